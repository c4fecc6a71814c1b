"""What a tick is and is worth, from prices and closed trades: proven, assumed, or refused."""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.agents import SymbolSpec
from trading.ticks import Basis, Grid, Trade, Verdict, judge, worth

CENT = Decimal("0.01")
Rate = Callable[[Decimal], Decimal]


def dollar(_: Decimal) -> Decimal:
    return Decimal(1)


def own(price: Decimal) -> Decimal:
    return 1 / price


class Broker:
    """One symbol of it, whose trades and specification are as a terminal gives them."""

    def __init__(
        self,
        symbol: str,
        price: str,
        *,
        point: str,
        size: int,
        tick: str | None = None,
        rate: Rate = dollar,
    ) -> None:
        self.symbol, self.price, self.point = symbol, Decimal(price), Decimal(point)
        self.tick, self.size, self.rate = Decimal(tick or point), Decimal(size), rate
        self.random = random.Random(symbol)  # noqa: S311

    def on_tick(self, price: Decimal) -> Decimal:
        return round(price / self.tick) * self.tick

    def trade(self, *, rate: Rate | None = None, lots: str = "0.30") -> Trade:
        side = self.random.choice(["BUY", "SELL"])
        sign = 1 if side == "BUY" else -1
        entry = self.on_tick(self.price * Decimal(self.random.uniform(0.97, 1.03)))
        out = self.on_tick(entry * Decimal(1 + self.random.uniform(0.001, 0.01) * sign))
        gain = (out - entry) * sign * Decimal(lots) * self.size * (rate or self.rate)(out)
        return Trade(side, entry, out, Decimal(lots), gain.quantize(CENT))

    def trades(self, count: int = 8, **how: Any) -> list[Trade]:
        return [self.trade(**how) for _ in range(count)]

    @property
    def tick_value(self) -> Decimal:
        return round(self.tick * self.size * self.rate(self.price), 5)

    def spec(self, **changes: Any) -> SymbolSpec:
        """As contract 1 tells it."""
        bid = self.on_tick(self.price)
        told = {"symbol": self.symbol, "point": self.point, "tick_value": self.tick_value}
        return SymbolSpec(**{**told, "bid": bid, "ask": bid + 7 * self.tick, **changes})


EURUSD = Broker("EURUSD", "1.08500", point="0.00001", size=100_000)
XAUUSD = Broker("XAUUSD", "2385.13", point="0.01", size=100)
USDJPY = Broker("USDJPY", "151.407", point="0.001", size=100_000, rate=own)
US500 = Broker("US500", "5240.25", point="0.01", size=10, tick="0.25")
GER40 = Broker(
    "GER40", "18210.5", point="0.1", size=1, tick="0.5", rate=lambda _: Decimal("1.0851")
)
ALL = (EURUSD, XAUUSD, USDJPY, US500, GER40)
by_name = pytest.mark.parametrize("broker", ALL, ids=lambda one: one.symbol)


def prices_of(trades: list[Trade]) -> list[Decimal]:
    return [price for one in trades for price in (one.entry, one.exit)]


def judged(broker: Broker, trades: list[Trade], **spec: Any) -> Verdict:
    return judge(broker.spec(**spec), prices_of(trades), trades)


# --- proven -------------------------------------------------------------------------------------
@by_name
def test_trades_and_prices_prove_the_tick_that_the_agent_values(broker: Broker) -> None:
    verdict = judged(broker, broker.trades())
    assert verdict.basis == Basis.PROVEN, verdict.sentence
    assert (verdict.tick_size, verdict.tick_value) == (broker.tick, broker.tick_value)
    assert verdict.trades == 8
    assert "proven by 8 closed trades" in verdict.sentence
    assert not verdict.warning
    assert not verdict.refusal


@by_name
@pytest.mark.parametrize("told", [Decimal(1), None])
def test_trades_alone_prove_what_a_price_change_is_worth(
    broker: Broker, told: Decimal | None
) -> None:
    """A tick value of exactly 1 is what agents report that have none."""
    verdict = judged(broker, broker.trades(), tick_value=told)
    assert verdict.tick_size is not None
    assert verdict.tick_value is not None
    unit = verdict.tick_value / verdict.tick_size
    assert unit == pytest.approx(broker.size * broker.rate(broker.price), rel=Decimal("0.002"))
    assert not broker.tick % verdict.tick_size
    if broker is GER40:  # its exchange rate is in no price of its own
        assert verdict.basis == Basis.ASSUMED
        assert "Exchange rates may have moved it" in verdict.warning
    else:
        assert verdict.basis == Basis.PROVEN


@by_name
def test_a_few_trades_that_were_closed_in_parts_or_bear_a_swap_change_nothing(
    broker: Broker,
) -> None:
    odd = [
        Trade(one.side, one.entry, one.exit, one.lots, (one.profit * factor).quantize(CENT))
        for one, factor in zip(
            broker.trades(3), (Decimal("0.4"), Decimal(-1), Decimal("1.7")), strict=True
        )
    ]
    verdict = judged(broker, broker.trades(7) + odd)
    assert verdict.basis == Basis.PROVEN
    assert verdict.trades == 7
    assert (verdict.tick_size, verdict.tick_value) == (broker.tick, broker.tick_value)


def test_a_point_is_proven_by_prices_which_no_larger_tick_allows() -> None:
    prices = [Decimal(text) for text in ("1.08501", "1.08513", "1.08700", "1.08422")]
    spec = EURUSD.spec(tick_value=Decimal("0.92"))
    verdict = judge(spec, prices, [])
    assert (verdict.basis, verdict.tick_size) == (Basis.PROVEN, Decimal("0.00001"))
    assert "proven by" in verdict.sentence


def test_one_average_among_the_prices_does_not_make_a_point_of_a_tick() -> None:
    on_tick = [Decimal(text) for text in ("5240.25", "5241.00", "5239.75", "5230.50")]
    grid = Grid.of([*on_tick, Decimal("5236.13")], Decimal("0.01"))
    assert grid.step == 1
    assert not grid.proves_the_point
    assert not grid.allows(25)
    assert Grid.of([*on_tick, Decimal("5236.135")], Decimal("0.01")).step == 25
    trades = US500.trades(8)
    verdict = judge(US500.spec(), [*prices_of(trades), Decimal("5236.13")], trades)
    assert (verdict.basis, verdict.tick_size) == (Basis.PROVEN, Decimal("0.25"))


def test_a_value_of_a_finer_tick_is_taken_to_the_one_that_prices_have() -> None:
    """Its money is right, and a stop on 0.05 would be on no price of the broker's."""
    verdict = judged(US500, US500.trades(), tick_value=Decimal("0.5"))
    assert verdict.basis == Basis.PROVEN
    assert (verdict.tick_size, verdict.tick_value) == (Decimal("0.25"), Decimal("2.5"))


# --- assumed ------------------------------------------------------------------------------------
def test_with_a_point_and_a_tick_value_alone_a_tick_is_assumed_to_be_a_point() -> None:
    verdict = judge(USDJPY.spec(), [], [])
    assert verdict.basis == Basis.ASSUMED
    assert (verdict.tick_size, verdict.tick_value) == (Decimal("0.001"), USDJPY.tick_value)
    assert "assumed to be one point, 0.001" in verdict.warning


def test_a_tick_value_of_exactly_1_is_assumed_whatever_prices_say() -> None:
    prices = [Decimal(text) for text in ("1.08501", "1.08513", "1.08700", "1.08422")]
    for seen in ([], prices):
        verdict = judge(EURUSD.spec(), seen, [])
        assert verdict.basis == Basis.ASSUMED
        assert (verdict.tick_size, verdict.tick_value) == (Decimal("0.00001"), 1)
        assert "exactly 1" in verdict.warning


@by_name
def test_a_warning_is_the_same_at_another_price(broker: Broker) -> None:
    """It is acknowledged word by word, and has to be the same when the versus begins."""
    moved = broker.price * Decimal("1.001")
    other = broker.spec(bid=broker.on_tick(moved), tick_value=broker.tick_value * Decimal("1.0002"))
    first, later = judge(broker.spec(), [], []), judge(other, [broker.on_tick(moved)], [])
    assert first.basis == Basis.ASSUMED
    if broker.tick_value != 1:  # else the later one is another warning
        assert first.warning == later.warning


@by_name
def test_one_trade_proves_nothing(broker: Broker) -> None:
    assert worth(broker.trades(1), broker.point, broker.price) is None


def test_short_moves_prove_nothing() -> None:
    entry, out = Decimal("1.08500"), Decimal("1.08509")
    short = [Trade("BUY", entry, out, Decimal("0.1"), Decimal("0.90"))] * 4
    assert worth(short, Decimal("0.00001"), entry) is None


# --- refused ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("broker", "told"),
    [
        (USDJPY, "100"),  # the value of a tick in yen, told as if it were dollars
        (EURUSD, "10"),
        (EURUSD, "0.1"),
        (XAUUSD, "0.1"),
        (US500, "1.25"),
        (US500, "0.6"),
        (GER40, "0.8"),
    ],
    ids=lambda one: getattr(one, "symbol", one),
)
def test_a_tick_value_that_closed_trades_contradict_is_not_used(broker: Broker, told: str) -> None:
    verdict = judged(broker, broker.trades(), tick_value=Decimal(told))
    assert verdict.basis == Basis.CONTRADICTED
    assert verdict.tick_value is None
    assert f"reports {told} for a tick of {broker.symbol}" in verdict.refusal
    assert "so it is not used" in verdict.refusal


def test_prices_that_are_all_on_a_wider_step_leave_it_undecided() -> None:
    """Whether the tick is 0.25 or a point that was never quoted: 25 times as much money."""
    prices = [US500.on_tick(US500.price + move) for move in range(6)]
    verdict = judge(US500.spec(), prices, [])
    assert verdict.basis == Basis.UNDECIDED
    assert "are multiples of 0.25" in verdict.refusal
    assert verdict.tick_value is None


@pytest.mark.parametrize("changes", [{"tick_value": None}, {"point": None}])
def test_what_nothing_says_is_unknown(changes: dict[str, Any]) -> None:
    verdict = judge(EURUSD.spec(**changes), [], [])
    assert verdict.basis == Basis.UNKNOWN
    assert verdict.refusal == "The agent does not say what a tick of EURUSD is worth."


# --- where the agent reports both ---------------------------------------------------------------
@by_name
def test_a_reported_tick_stands_until_trades_contradict_it(broker: Broker) -> None:
    trades = broker.trades()
    for seen in ([], trades):
        verdict = judged(broker, seen, tick_size=broker.tick)
        assert verdict.basis == Basis.REPORTED
        assert verdict.tick_value == broker.tick_value
    wrong = judged(broker, trades, tick_size=broker.tick, tick_value=broker.tick_value * 100)
    assert (wrong.basis, wrong.tick_value) == (Basis.CONTRADICTED, None)
    assert wrong.tick_size == broker.tick


USDJPY_LONG = Trade("BUY", Decimal("150.000"), Decimal("151.407"), Decimal(1), Decimal("929.28"))


def test_a_tick_value_that_open_positions_contradict_is_not_used() -> None:
    """USDJPY told in yen: a stop of 500 points would be shown as 50,000 dollars."""
    wrong = USDJPY.spec(tick_size=USDJPY.tick, tick_value=Decimal(100))
    verdict = judge(wrong, [], [], [USDJPY_LONG])
    assert (verdict.basis, verdict.tick_value) == (Basis.CONTRADICTED, None)
    assert "open positions contradicts that" in verdict.refusal
    right = USDJPY.spec(tick_size=USDJPY.tick)
    assert judge(right, [], [], [USDJPY_LONG]).basis == Basis.REPORTED


def test_open_positions_decide_nothing_between_ticks_or_against_one_another() -> None:
    short = replace(USDJPY_LONG, exit=Decimal("150.010"), profit=Decimal(50))
    off = replace(USDJPY_LONG, profit=Decimal(50_000))
    for held in ([short], [replace(USDJPY_LONG, profit=Decimal(0))], [off, USDJPY_LONG]):
        assert judge(USDJPY.spec(tick_size=USDJPY.tick), [], [], held).basis == Basis.REPORTED


def test_a_tick_size_of_0_is_proven_as_over_contract_1() -> None:
    verdict = judged(XAUUSD, XAUUSD.trades(), tick_size=None)
    assert (verdict.basis, verdict.tick_size) == (Basis.PROVEN, Decimal("0.01"))


# --- exchange rates -----------------------------------------------------------------------------
def test_a_rate_that_moved_a_little_contradicts_nothing() -> None:
    """EURGBP on an account in dollars: each trade is converted at the rate of its day."""
    moving = Broker("EURGBP", "0.85400", point="0.00001", size=100_000)
    moving.rate = lambda _: Decimal("1.27")
    rates = [Decimal(text) for text in ("1.26", "1.265", "1.28", "1.25", "1.29", "1.255")]
    trades = [moving.trade(rate=lambda _, at=at: at) for at in rates]
    verdict = judged(moving, trades)
    assert (verdict.basis, verdict.tick_value) == (Basis.PROVEN, Decimal("1.27"))
    without = judged(moving, trades, tick_value=Decimal(1))
    assert without.basis == Basis.ASSUMED
    assert without.tick_value == pytest.approx(Decimal("1.27"), rel=Decimal("0.03"))


def test_old_trades_quoted_in_another_currency_are_converted_at_todays_price() -> None:
    trades = [t for t in USDJPY.trades(12) if t.exit > USDJPY.price]
    found = worth(trades, USDJPY.point, Decimal("140"))
    assert found is not None
    assert found.value == pytest.approx(Decimal(100_000) / 140, rel=Decimal("0.002"))


def test_an_account_in_yen_has_profits_without_cents() -> None:
    yen = Broker("USDJPY", "151.407", point="0.001", size=100_000)
    trades = [
        Trade(one.side, one.entry, one.exit, one.lots, one.profit.quantize(Decimal(1)))
        for one in yen.trades(6, lots="0.01")
    ]
    verdict = judged(yen, trades)
    assert (verdict.basis, verdict.tick_value) == (Basis.PROVEN, Decimal(100))


# --- whatever comes -----------------------------------------------------------------------------
amounts = st.decimals(-(10**6), 10**6, allow_nan=False, allow_infinity=False, places=2)
levels = st.decimals(0, 10**5, allow_nan=False, allow_infinity=False, places=5)
anything = st.builds(
    Trade,
    st.sampled_from(["BUY", "SELL"]),
    levels,
    levels,
    st.decimals(0, 100, allow_nan=False, allow_infinity=False, places=2),
    amounts,
)


@given(st.lists(anything, max_size=8), st.lists(levels, max_size=8), st.sampled_from(ALL))
def test_any_evidence_leads_to_a_verdict_that_can_be_kept(
    trades: list[Trade], prices: list[Decimal], broker: Broker
) -> None:
    verdict = judge(broker.spec(), prices, trades)
    json.dumps(verdict.record)
    assert bool(verdict.refusal) == (verdict.tick_value is None)
    assert not (verdict.refusal and verdict.warning)
    assert len(verdict.sentence) < 400
