"""What the terminal calculates of one lot, over API v2 and as the monitor reads it."""

from typing import Any

import pytest

from agent.calculated import PROFIT_TICKS, Calculated, calculate
from agent.records import SymbolInfo, Tick

INFO = SymbolInfo(
    "US30", "", 2, 0.01, 10, 0.01, 0.01, 1.0, 0.1, 250.0, 0.1, 0, 0, 3, 4, "USD", "USD", "USD",
    True, 42_001.0, 42_002.0, 0,
)  # fmt: skip
TICK = Tick(0, 42_001.0, 42_002.0, 0.0, 0, 0, 6, 0.0)


class Calculating:
    """A terminal at 1:100 of a CFD: the margin is by the price."""

    def __init__(self, margin: Any = None, profit: Any = None) -> None:
        self.margin, self.profit = margin, profit

    def order_calc_margin(self, action: int, symbol: str, volume: float, price: float) -> Any:
        return volume * price / 100 if self.margin is None else self.margin

    def order_calc_profit(
        self, action: int, symbol: str, volume: float, opened: float, closed: float
    ) -> Any:
        return round((closed - opened) * volume, 2) if self.profit is None else self.profit


def calculated(terminal: Calculating, tick: Tick | None = TICK, **fields: Any) -> Calculated:
    return calculate(terminal, INFO._replace(**fields), tick)  # type: ignore[arg-type]


def test_margin_and_profit_of_a_lot_are_what_the_terminal_calculates() -> None:
    found = calculated(Calculating())
    assert (found.margin_buy, found.margin_sell) == (420.02, 420.01)
    assert found.profit == PROFIT_TICKS * 0.01


HEDGES: dict[str, tuple[dict[str, Any], float | None]] = {
    "one leg": ({"margin_hedged": 1.0}, 420.015),
    "half a leg": ({"margin_hedged": 0.5}, 210.0075),
    "both legs": ({"margin_hedged": 2.0}, 840.03),
    "nothing": ({"margin_hedged": 0.0}, 0.0),
    "the larger leg": ({"margin_hedged": 0.0, "margin_hedged_use_leg": True}, 420.02),
    "an amount": ({"margin_hedged": 50.0, "margin_initial": 100.0}, None),
    "more than both legs": ({"margin_hedged": 3.0}, None),
    "no contract size": ({"trade_contract_size": 0.0}, None),
}


@pytest.mark.parametrize("rule", HEDGES)
def test_the_margin_of_a_hedge_follows_the_broker_s_rule(rule: str) -> None:
    fields, margin = HEDGES[rule]
    assert calculated(Calculating(), **fields).margin_hedged == pytest.approx(margin)


@pytest.mark.parametrize("answer", [0.0, float("nan"), float("inf"), -1.0])
def test_what_the_terminal_cannot_calculate_is_unknown(answer: float) -> None:
    assert calculated(Calculating(margin=answer, profit=answer)) == Calculated()


@pytest.mark.parametrize("tick", [None, TICK._replace(bid=0.0), TICK._replace(ask=0.0)])
def test_nothing_is_calculated_without_a_quote(tick: Tick | None) -> None:
    assert calculated(Calculating(), tick) == Calculated()


def test_a_symbol_whose_tick_has_no_size_has_no_profit() -> None:
    assert calculated(Calculating(), trade_tick_size=0.0, point=0.0).profit is None
    assert calculated(Calculating(), trade_tick_size=0.0).profit == PROFIT_TICKS * 0.01
