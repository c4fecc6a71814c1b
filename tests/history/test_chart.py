"""What an account was worth over time, as lines."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Account
from tests.factories import make_account, make_deal
from trading.history import worth
from trading.history.chart import HEIGHT, WIDTH, Chart, Scale, chart
from trading.models import EquityPoint, EquityWatch

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
D = Decimal
NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def account(db: None) -> Account:
    EquityWatch.objects.create(pk=1, seen_at=NOW)
    return make_account(balance=D(1_000))


def point(account: Account, ago: timedelta, equity: int | None, balance: int | None = None) -> None:
    known = {
        name: None if v is None else D(v)
        for name, v in {"equity": equity, "balance": balance}.items()
    }
    EquityPoint.objects.create(account=account, at=NOW - ago, quarter=0, **known)


def drawn(account: Account, chosen: str = "day") -> Chart:
    made = chart(account, chosen, NOW)
    assert made is not None
    return made


def path(made: Chart, name: str) -> str:
    return next(line.path for line in made.lines if line.name == name)


def test_of_what_nothing_is_known_there_is_no_chart(account: Account) -> None:
    assert chart(account, "day", NOW) is None
    assert chart(account, "all", NOW) is None
    point(account, 2 * DAY, None)
    assert chart(account, "day", NOW) is None


def test_a_line_holds_until_the_next_point_and_until_now(account: Account) -> None:
    point(account, 12 * HOUR, 1_000, 990)
    point(account, 6 * HOUR, 900, 990)
    made = drawn(account)
    xs = re.findall(r"[MH]([\d.]+)", path(made, "equity"))
    assert xs == ["480.0", "720.0", "960"]
    ends = {line.name: re.fullmatch(r"M960 ([\d.]+)h0", line.end) for line in made.lines}
    assert all(end and end[1] in path(made, name) for name, end in ends.items())
    assert path(made, "equity").count("V") == 1
    assert re.findall(r"[MH]([\d.]+)", path(made, "balance"))[-1] == "960"


def test_what_was_known_before_the_range_begins_it(account: Account) -> None:
    point(account, 3 * DAY, 1_000)
    assert path(drawn(account), "equity").startswith("M0.0 ")


def test_gaps_are_gaps(account: Account) -> None:
    point(account, 18 * HOUR, 1_000)
    point(account, 12 * HOUR, None)
    point(account, 6 * HOUR, 1_010)
    line = path(drawn(account), "equity")
    assert re.sub(r" ?[\d.]+", "", line) == "MHMH"
    assert [float(x) for x in re.findall(r"[MH]([\d.]+)", line)] == [240, 480, 720, 960]


def test_while_nobody_watches_now_nothing_is_known_now(account: Account) -> None:
    point(account, 18 * HOUR, 1_000)
    EquityWatch.objects.update(seen_at=NOW - 6 * HOUR)
    made = drawn(account)
    assert (made.lines[0].last, made.lines[0].end) == (None, "")
    assert re.findall(r"H([\d.]+)", path(made, "equity")) == ["720.7"]


def test_commissions_add_up_to_the_balance_whose_sum_binary_fractions_miss(
    account: Account,
) -> None:
    make_deal(account, profit=D(1_050) + D("92.40"), at=NOW - DAY)
    for _ in range(33):  # SQLite makes it -92.3999999999999
        make_deal(account, profit=D(0), commission=D("-2.80"), at=NOW - HOUR)
    account.balance = D("1050.00")
    assert drawn(account).is_exact


def test_the_balance_is_exact_where_all_deals_make_it(account: Account) -> None:
    make_deal(account, profit=D(900), at=NOW - 40 * DAY)
    make_deal(account, profit=D(60), type="SELL", entry="OUT", at=NOW - 12 * HOUR, swap=D(-10))
    make_deal(account, profit=D(50), at=NOW - 6 * HOUR)
    make_deal(account, profit=D(5_000), type="CREDIT", at=NOW - HOUR)
    made = drawn(account)
    assert made.is_exact
    line = made.lines[0]
    assert (line.name, line.low, line.high, line.last) == ("balance", 900, 1_000, 1_000)
    assert [(x, one.net) for x, one in made.marks] == [(720.0, 50), (920.0, 5_000)]
    assert drawn(account, "all").start == NOW - 40 * DAY
    Account.objects.update(balance=D(999))
    account.refresh_from_db()
    assert chart(account, "day", NOW) is None  # the deals are not all: they tell no balance


def test_the_sum_of_deals_is_the_balance_after_each(account: Account) -> None:
    for n in range(1, 5):
        make_deal(account, profit=D(n * 100), at=NOW - n * HOUR, commission=D(0))
    known = worth.of(account, None, NOW)
    assert [point.value for point in known.balance] == [400, 700, 900, 1_000]


def test_many_points_are_drawn_as_few_that_keep_every_peak(account: Account) -> None:
    minutes = range(7 * 24 * 60)
    EquityPoint.objects.bulk_create(
        EquityPoint(
            account=account,
            at=NOW - timedelta(minutes=minute),
            quarter=0,
            equity=D(5_000 if minute == 4_321 else 1_000 + minute % 7),
        )
        for minute in minutes
    )
    made = drawn(account, "week")
    line = path(made, "equity")
    assert len(line) < 5 * 14 * WIDTH
    assert made.lines[0].high == 5_000
    assert min(float(y) for y in re.findall(r"V([\d.]+)", line)) == 0
    assert made.levels[0] == "5,000"


@given(st.decimals(-(10**7), 10**7, places=2), st.decimals(0, 10**6, places=2), st.integers(0, 100))
def test_figures_fit_between_round_lines(low: Decimal, range_: Decimal, share: int) -> None:
    high = low + range_
    scale = Scale(NOW - DAY, NOW, float(low), float(high))
    for value in (low, high, low + range_ * share / 100):
        assert -0.01 <= scale.y(float(value)) <= HEIGHT + 0.01
    assert len(scale.levels) == 5
    assert len(set(scale.levels)) == 5
