"""Which accounts are to be read now, and whose turn it is: one reader an account at a time."""

from datetime import datetime, timedelta

from django.db.models import F, Q, QuerySet

from accounts.models import Account
from accounts.models.figures import fresh
from mt5monitor.clock import CLOCKS_DIFFER
from trading.models import HistorySync

LEASE = timedelta(seconds=30)  # beyond the deadline: one request may outlast it
LONGEST = timedelta(minutes=5)  # no claim reaches further, unless the clock was set back since
EVERY = timedelta(hours=1)
RETRY_AFTER = timedelta(minutes=5)


def due(now: datetime) -> QuerySet[Account]:
    """Whose figures are fresh, and whose history is old or not what the figures say."""
    ahead = now + CLOCKS_DIFFER  # beyond it, the clock was set back since
    never = Q(history_sync__synced_at=None)
    old = Q(history_sync__synced_at__lt=now - EVERY) | Q(history_sync__synced_at__gt=ahead)
    other = _differs("balance") | _differs("open_positions")
    incomplete = Q(history_sync__again_at__lte=now) | Q(history_sync__again_at__gt=ahead + EVERY)
    told_otherwise = ~Q(agent__contract=F("history_sync__contract"))
    attempted = (now - RETRY_AFTER, ahead)
    resting = Q(
        history_sync__failing_since__isnull=False, history_sync__attempted_at__range=attempted
    )
    reasons = never | old | other | incomplete | told_otherwise
    accounts = Account.objects.filter(fresh(now)).filter(reasons)
    claimed = Q(history_sync__claimed_until__gt=now, history_sync__claimed_until__lte=now + LONGEST)
    accounts = accounts.exclude(claimed).exclude(resting)
    order = F("history_sync__attempted_at").asc(nulls_first=True)
    return accounts.select_related("agent").order_by(order)


def _differs(name: str) -> Q:
    """From what it was at the last sync. What is not known differs from nothing."""
    before = F(f"history_sync__{name}")
    return Q(**{f"{name}__lt": before}) | Q(**{f"{name}__gt": before})


def claim(account: Account, now: datetime, seconds: float) -> datetime | None:
    """Until when the account is this caller's to read; None when it is another's."""
    sync, _ = HistorySync.objects.get_or_create(account=account)
    until = now + timedelta(seconds=seconds) + LEASE
    free = Q(claimed_until=None) | Q(claimed_until__lt=now) | Q(claimed_until__gt=now + LONGEST)
    taken = HistorySync.objects.filter(free, pk=sync.pk).update(claimed_until=until)
    return until if taken else None
