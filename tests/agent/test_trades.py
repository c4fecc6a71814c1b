"""Trades of contract v1, put together from deals."""

from typing import Any

import pytest

from agent.records import TradeDeal
from agent.trades import v1_trades

DEAL = TradeDeal(
    ticket=1, order=1, time=1_000, time_msc=1_000_000, type=0, entry=0, magic=0, position_id=7,
    reason=0, volume=1.0, price=1.1, commission=-3.5, swap=0.0, profit=0.0, fee=0.0,
    symbol="EURUSD", comment="", external_id="",
)  # fmt: skip


def closing(**changes: Any) -> TradeDeal:
    given: dict[str, Any] = {"type": 1, "entry": 1, "time": 2_000, "price": 1.102, "profit": 200.0}
    return DEAL._replace(**(given | changes))


def test_entry_and_exit_make_one_trade() -> None:
    assert v1_trades([DEAL, closing(reason=5)]) == [
        {
            "symbol": "EURUSD",
            "side": "BUY",
            "lot": 1.0,
            "pips": 20.0,
            "tp_money": 200.0,
            "sl_money": None,
            "commission": -7.0,
            "profit": 200.0,
            "entry_time": "1970-01-01T00:16:40",
            "exit_time": "1970-01-01T00:33:20",
            "entry_price": 1.1,
            "exit_price": 1.102,
            "position_id": 7,
        }
    ]


def test_partial_closes_are_added_up() -> None:
    deals = [DEAL, closing(volume=0.4, profit=80.0), closing(volume=0.6, profit=120.0)]
    (trade,) = v1_trades(deals)
    assert (trade["lot"], trade["profit"], trade["commission"]) == (1.0, 200.0, -10.5)


def test_lots_and_money_are_as_fine_as_the_deals_tell_them() -> None:
    """0.001 lots are not 0.0, nor are 0.00004 of a bitcoin; the noise of floats is none of it."""
    opened = DEAL._replace(volume=0.001, commission=-0.00000012)
    parts = [closing(volume=0.0001 * n, profit=0.00004 * n) for n in (1, 2, 7)]
    (trade,) = v1_trades([opened, *parts])
    assert (trade["lot"], trade["profit"]) == (0.001, 0.0004)
    assert trade["commission"] == round(3 * DEAL.commission, 8) - 0.00000012


def test_a_trade_whose_opening_is_out_of_reach_is_left_out() -> None:
    assert v1_trades([closing()]) == []


def test_a_trade_that_was_closed_before_the_window_is_left_out() -> None:
    assert len(v1_trades([DEAL, closing()], since=2_000)) == 1
    assert v1_trades([DEAL, closing()], since=2_001) == []


def test_open_positions_and_deposits_are_no_trades() -> None:
    assert v1_trades([DEAL._replace(type=2), DEAL]) == []


@pytest.mark.parametrize(
    ("symbol", "entry", "out", "pips"),
    [("USDJPY", 150.0, 150.1, 10.0), ("US30", 39_000.0, 39_010.0, 10.0)],
)
def test_pips_follow_the_symbol(symbol: str, entry: float, out: float, pips: float) -> None:
    deals = [DEAL._replace(symbol=symbol, price=entry), closing(symbol=symbol, price=out)]
    assert v1_trades(deals)[0]["pips"] == pips
    sold = [deal._replace(type=1 - deal.type) for deal in deals]
    assert v1_trades(sold)[0]["pips"] == -pips
