"""What accounts were worth over time: written while it changes, thinned as it grows old.

A point holds until the next. When what was known is fresh no more, or nobody watched for a while,
a point without figures says so, and the chart shows a gap.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Exists, F, OuterRef, QuerySet, Subquery
from django.utils import timezone

from accounts.models import Account
from mt5monitor.database import unhurried
from trading.models import EquityPoint, EquityWatch
from trading.models.history import QUARTER_S

MINUTE = timedelta(minutes=1)
# Beat may be late by a minute or two; after more than that, nobody watched.
PAUSE = timedelta(minutes=3)
FINE_FOR = timedelta(days=7)
COARSE_FOR = timedelta(days=91)
QUARTERS_A_DAY: Final = 86_400 // QUARTER_S
AT_ONCE = 5_000


def note(now: datetime | None = None) -> int:
    """One point for each account whose figures are fresh and others than in its last point, and
    an empty one for each that is fresh no more. Returns how many. Twice a minute is as once."""
    now = now or timezone.now()
    at = now.replace(second=0, microsecond=0)
    stopped = _watch(at)
    lost = [] if stopped is None else list(_points(stopped, now, watched=False))
    EquityPoint.objects.bulk_create(lost, ignore_conflicts=True)
    points = list(_points(at, now, watched=True))
    EquityPoint.objects.bulk_create(points, ignore_conflicts=True)
    return len(lost) + len(points)


def _watch(at: datetime) -> datetime | None:
    """When watching stopped, if it did; from here on it goes on."""
    before = EquityWatch.objects.filter(pk=EquityWatch.PK).values_list("seen_at", flat=True).first()
    EquityWatch.objects.update_or_create(pk=EquityWatch.PK, defaults={"seen_at": at})
    return before + MINUTE if before is not None and at - before > PAUSE else None


def _points(at: datetime, now: datetime, *, watched: bool) -> Iterator[EquityPoint]:
    """Those that differ from the last one of their account; while nobody `watched`, nothing is
    known of any."""
    # None from before the clock was set back, which lie ahead.
    last = EquityPoint.objects.filter(account=OuterRef("pk"), at__lte=at).order_by("-at")
    accounts = Account.objects.with_figures(now).annotate(
        last_balance=Subquery(last.values("balance")[:1]),
        last_equity=Subquery(last.values("equity")[:1]),
    )
    names = ("pk", "is_fresh", "balance", "equity", "last_balance", "last_equity")
    for pk, is_fresh, balance, equity, *before in accounts.values_list(*names):
        known = [balance, equity] if watched and is_fresh else [None, None]
        if known != before:
            yield EquityPoint(
                account_id=pk,
                at=at,
                quarter=EquityPoint.quarter_of(at),
                balance=known[0],
                equity=known[1],
            )


def thin(now: datetime | None = None) -> int:
    """Of points older than a week the last of each quarter hour stays, of those older than a
    quarter the last of each day (UTC). Returns how many went; the second time none do."""
    now = now or timezone.now()
    with unhurried():
        return _thin(now)


def _thin(now: datetime) -> int:
    old = EquityPoint.objects.filter(at__lt=now - FINE_FOR)
    accounts = list(old.order_by().values_list("account", flat=True).distinct())
    return sum(
        _delete(_superseded(account, now - FINE_FOR, by_day=False))
        + _delete(_superseded(account, now - COARSE_FOR, by_day=True))
        for account in accounts
    )


def _superseded(account: int, before: datetime, *, by_day: bool) -> QuerySet[EquityPoint]:
    """The points after which another one comes in the same quarter hour, or day."""
    points = EquityPoint.objects.filter(account=account).annotate(day=F("quarter") / QUARTERS_A_DAY)
    later = points.filter(at__gt=OuterRef("at"))
    if by_day:
        tomorrow = OuterRef("quarter") + QUARTERS_A_DAY
        later = later.filter(quarter__lt=tomorrow, day=OuterRef("day"))
    else:
        later = later.filter(quarter=OuterRef("quarter"))
    return points.filter(Exists(later), at__lt=before)


def _delete(points: QuerySet[EquityPoint]) -> int:
    """In statements of bounded length, each a transaction of its own."""
    gone = 0
    while some := list(points.order_by("at").values_list("pk", flat=True)[:AT_ONCE]):
        gone += EquityPoint.objects.filter(pk__in=some).delete()[0]
    return gone
