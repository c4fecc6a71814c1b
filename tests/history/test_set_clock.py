"""The wall clock is set: histories are read as often as before, and equity is kept."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import Account, Agent
from tests.factories import make_account
from tests.wall import HOUR, Wall
from trading.history import claims, equity
from trading.models import EquityPoint, HistorySync

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
SOON = timedelta(seconds=30)


@pytest.fixture
def account() -> Account:
    return make_account()


def keep(account: Account, now: datetime, **columns: object) -> HistorySync:
    """As it is when all is read."""
    seen = {"contract": account.agent.contract if account.agent else "", "read_until": now}
    seen |= {"balance": account.balance, "open_positions": 0, "synced_at": now}
    return HistorySync.objects.create(account=account, **(seen | columns))


@pytest.mark.parametrize(
    "ahead",
    [
        {"synced_at": SOON},
        {"again_at": claims.EVERY + SOON},
        {"synced_at": SOON, "claimed_until": claims.LONGEST + SOON},
        {"synced_at": SOON, "attempted_at": SOON, "failing_since": SOON},
    ],
    ids=["read", "again", "claimed", "failed"],
)
def test_what_lies_further_ahead_than_it_can_is_due(
    account: Account, ahead: dict[str, timedelta]
) -> None:
    now = timezone.now()
    sync = keep(account, now)
    assert account not in claims.due(now)
    HistorySync.objects.filter(pk=sync.pk).update(**{n: now + by for n, by in ahead.items()})
    assert account in claims.due(now)


def test_a_claim_of_a_reader_who_died_before_it_was_set_back_is_taken_over(
    account: Account,
) -> None:
    now = timezone.now()
    assert claims.claim(account, now + HOUR, 60)
    assert claims.claim(account, now, 60)
    assert claims.claim(account, now, 60) is None


def test_equity_is_compared_with_what_was_known_by_then(account: Account, wall: Wall) -> None:
    note()
    wall.turn(HOUR)
    Account.objects.update(equity=Decimal(5))
    note()
    wall.turn(-HOUR + timedelta(minutes=2))
    note()
    found = EquityPoint.objects.filter(equity=Decimal(5)).order_by("at")
    assert [point.at <= timezone.now() for point in found] == [True, False]


def note() -> None:
    """Of agents that were heard just now."""
    Agent.objects.update(last_seen_at=timezone.now())
    equity.note()
