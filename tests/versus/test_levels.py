"""Money to price levels and back, for symbols of every kind and accounts of every currency."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.agents import SymbolSpec
from trading import sizing
from trading.sizing import Refused
from trading.versus import levels
from trading.versus.driver import first_half
from trading.versus.levels import Leg, Mirrored

D = Decimal


def spec(symbol: str, digits: int, tick_value: str, price: str, **columns: object) -> SymbolSpec:
    tick = D(1).scaleb(-digits)
    given = {"symbol": symbol, "digits": digits, "point": tick, "tick_size": tick}
    given |= {"tick_value": D(tick_value), "bid": D(price), "ask": D(price) + 10 * tick}
    given |= {"volume_step": D("0.01"), "volume_min": D("0.01"), "volume_max": D(100)}
    return SymbolSpec(**(given | columns))


# Tick values in dollars, in euro and in yen: what matters is that nothing is guessed by name.
SPECS = [
    spec("EURUSD", 5, "1", "1.09737"),
    spec("EURUSD.pro", 5, "0.9112", "1.09737"),
    spec("USDJPY", 3, "0.6578", "152.013"),
    spec("USDJPY", 3, "100", "152.013"),
    spec("XAUUSD", 2, "1", "2654.31"),
    spec("GER40", 1, "0.1", "19211.5"),
    spec("US30", 2, "0.0071", "44296.50", tick_size=D("0.25")),
]
LEGS = st.builds(
    Leg,
    side=st.sampled_from(["BUY", "SELL"]),
    volume=st.integers(1, 500).map(lambda steps: D(steps) / 100),
    opened=st.just(D(0)),
    spec=st.sampled_from(SPECS),
    commission=st.integers(-2000, 0).map(lambda cents: D(cents) / 100),
).map(lambda leg: levels.Leg(leg.side, leg.volume, leg.spec.bid, leg.spec, leg.commission))
MONEY = st.integers(-100_000, 100_000).map(lambda cents: D(cents) / 100)


@given(leg=LEGS, money=MONEY)
def test_the_money_of_a_level_is_the_money_that_was_asked_for_within_one_tick(
    leg: Leg, money: Decimal
) -> None:
    try:
        at = levels.level(leg, money)
    except Refused:
        return
    tick = leg.spec.tick_value * leg.volume
    assert abs(levels.net(leg, at) - money) <= tick + D("0.01")
    assert sizing.on_tick(at, leg.spec) == at


@given(leg=LEGS, loss=MONEY.map(abs), gain=MONEY.map(abs))
def test_a_stop_loses_and_a_profit_wins_whichever_the_side(
    leg: Leg, loss: Decimal, gain: Decimal
) -> None:
    free = Leg(leg.side, leg.volume, leg.opened, leg.spec)
    try:
        sl, tp = levels.stops(free, loss, gain)
    except Refused:
        return
    sign = 1 if leg.side == "BUY" else -1
    assert sl is not None
    assert tp is not None
    assert (leg.opened - sl) * sign >= 0
    assert (tp - leg.opened) * sign >= 0


def test_a_commission_makes_the_loss_come_sooner_and_the_profit_later() -> None:
    free, dear = (Leg("BUY", D(1), D("1.10000"), SPECS[0], D(fee)) for fee in (0, -7))
    assert levels.level(dear, D(-100)) > levels.level(free, D(-100))
    assert levels.level(dear, D(100)) > levels.level(free, D(100))


def test_money_that_no_price_can_lose_is_refused() -> None:
    with pytest.raises(Refused, match="below 0"):
        levels.level(Leg("BUY", D("0.01"), D("1.1"), SPECS[0]), D(-5000))


@given(
    side=st.sampled_from(["BUY", "SELL"]),
    gap=st.integers(-200, 200).map(D),
    sl=st.integers(1, 3000),
    tp=st.integers(1, 3000),
)
def test_the_mirror_is_hit_at_the_same_moment_as_what_it_mirrors(
    side: str, gap: Decimal, sl: int, tp: int
) -> None:
    """The quotes of both brokers move together: when B's reaches its level, A's reaches its own."""
    of_b = SPECS[0]
    point = of_b.point
    of_a = spec("EURUSD", 5, "1", str(of_b.bid + gap * point))
    away = 1 if side == "SELL" else -1  # B's stop-loss is on that side of the market
    other = levels.other(side)
    market = sizing.leave(side, of_b)
    at_sl, at_tp = market + away * sl * point, market - away * tp * point
    kept_sl, kept_tp = levels.mirror(other, Mirrored(at_sl, at_tp, of_b), of_a)
    moved = at_sl - market
    assert kept_tp == sizing.on_tick(sizing.leave(other, of_a) + moved, of_a)
    assert kept_sl == sizing.on_tick(sizing.leave(other, of_a) + (at_tp - market), of_a)
    sizing.check_stops(other, kept_sl, kept_tp, of_a)


def test_no_level_has_no_mirror() -> None:
    assert levels.mirror("BUY", Mirrored(None, None, SPECS[0]), SPECS[0]) == (None, None)


@pytest.mark.parametrize(
    ("lots", "first"),
    [("0.10", "0.05"), ("0.05", "0.03"), ("0.03", "0.02"), ("0.02", "0.01"), ("1.01", "0.51")],
)
def test_half_lots_are_whole_steps_that_sum_up(lots: str, first: str) -> None:
    assert first_half(D(lots), SPECS[0]) == D(first)


def test_the_least_volume_cannot_be_halved() -> None:
    with pytest.raises(Refused, match="cannot be halved"):
        first_half(D("0.01"), SPECS[0])


def test_where_the_agent_tells_no_step_the_usual_one_is_taken() -> None:
    untold = spec("EURUSD", 5, "1", "1.09737", volume_step=None, volume_min=None)
    assert first_half(D("0.05"), untold) == D("0.03")
