"""Points of equity: when one is written, and which of them stay."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Account, Agent
from tests.factories import make_account
from trading.history import equity
from trading.models import EquityPoint

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
D = Decimal
NOW = datetime(2026, 3, 4, 10, 7, 31, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def watch(minutes: int, now: datetime = NOW, *, fresh: bool = True) -> int:
    """Looked at that many minutes after NOW, when agents had just been heard, or not."""
    at = now + minutes * MINUTE
    seen = at if fresh else at - DAY
    Agent.objects.update(last_seen_at=seen)
    return equity.note(at)


def points(account: Account) -> list[tuple[int, Decimal | None, Decimal | None]]:
    """Minutes after NOW with what was known from there on."""
    begin = NOW.replace(second=0)
    rows = EquityPoint.objects.filter(account=account).order_by("at")
    return [(int((row.at - begin) / MINUTE), row.balance, row.equity) for row in rows]


def test_a_point_is_written_when_a_figure_changed_and_only_then() -> None:
    account = make_account(balance=D(100), equity=D(90))
    assert [watch(0), watch(1), watch(2)] == [1, 0, 0]
    Account.objects.update(equity=D(95))
    assert [watch(3), watch(4)] == [1, 0]
    assert points(account) == [(0, 100, 90), (3, 100, 95)]


def test_figures_that_are_fresh_no_more_end_in_a_gap_until_they_are() -> None:
    account = make_account(balance=D(100), equity=D(90))
    watch(0)
    assert [watch(1, fresh=False), watch(2, fresh=False)] == [1, 0]
    watch(3)
    assert points(account) == [(0, 100, 90), (1, None, None), (3, 100, 90)]


def test_while_nobody_watched_nothing_is_known() -> None:
    account = make_account(balance=D(100), equity=D(90))
    for minute in (0, 1, 3, 60):
        watch(minute)
    assert points(account) == [(0, 100, 90), (4, None, None), (60, 100, 90)]


def test_an_account_whose_equity_is_not_told_has_its_balance() -> None:
    account = make_account(balance=D(100), equity=None)
    assert [watch(0), watch(1)] == [1, 0]
    assert points(account) == [(0, 100, None)]


def test_twice_in_a_minute_is_as_once() -> None:
    account = make_account(balance=D(100), equity=D(90))
    watch(0)
    Account.objects.update(equity=D(95))
    watch(0)
    assert points(account) == [(0, 100, 90)]
    watch(1)
    assert points(account)[1:] == [(1, 100, 95)]


def test_a_minute_takes_as_many_queries_whatever_the_number_of_accounts() -> None:
    for _ in range(3):
        make_account()
    with CaptureQueriesContext(
        connection,
    ) as seen:
        watch(0)
    three = len(seen)
    for _ in range(10):
        make_account()
    with CaptureQueriesContext(connection) as seen:
        watch(1)
    assert len(seen) <= three


def write(account: Account, ages: list[timedelta]) -> None:
    for age in ages:
        at = (NOW - age).replace(second=0)
        known: dict[str, Any] = {"balance": D(1), "equity": D(int(age / MINUTE))}
        quarter = EquityPoint.quarter_of(at)
        EquityPoint.objects.get_or_create(account=account, at=at, quarter=quarter, defaults=known)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.integers(0, 200 * 24 * 12), max_size=60), st.integers(1, 7))
def test_the_last_point_of_each_bucket_stays_and_thinning_again_takes_none(
    db: None, fives: list[int], at_once: int
) -> None:
    EquityPoint.objects.all().delete()
    account, other = make_account(), make_account()
    write(account, [five * 5 * MINUTE for five in fives])
    write(other, [8 * DAY])
    before = list(EquityPoint.objects.filter(account=account).order_by("at"))
    week, quarter = NOW - equity.FINE_FOR, NOW - equity.COARSE_FOR
    stay = {}
    for point in before:
        if point.at < quarter:
            stay["day", point.at.date()] = point
        elif point.at < week:
            stay["quarter", point.quarter] = point
        else:
            stay["fine", point.at] = point
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(equity, "AT_ONCE", at_once)
        gone = equity.thin(NOW)
    left = list(EquityPoint.objects.filter(account=account).order_by("at"))
    old = [point for point in before if point.at >= quarter + DAY or point.at < quarter - DAY]
    assert [point for point in left if point in old] == [p for p in stay.values() if p in old]
    assert gone == len(before) - len(left)
    assert equity.thin(NOW) == 0
    assert EquityPoint.objects.filter(account=other).count() == 1


def test_a_gap_that_lasts_stays_when_points_are_thinned() -> None:
    account = make_account()
    start = NOW.replace(minute=0, second=0) - 20 * DAY
    told = [(0, D(1)), (10, D(2)), (12, None), (50, D(3)), (51, D(4))]
    for minute, worth in told:
        at = start + minute * MINUTE
        quarter = EquityPoint.quarter_of(at)
        EquityPoint.objects.create(account=account, at=at, quarter=quarter, equity=worth)
    assert equity.thin(NOW) == 3
    left = EquityPoint.objects.order_by("at").values_list("equity", flat=True)
    assert list(left) == [None, 4]
