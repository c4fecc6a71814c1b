"""What the terminal itself calculates of one lot: nobody else knows a broker's margin rules."""

import math
from dataclasses import dataclass

from agent.constants import Constants
from agent.records import MetaTrader5, SymbolInfo, Tick

# A price change long enough for its profit, which is rounded to the cent, to tell the value.
PROFIT_TICKS = 1000
ONE_LOT = 1.0
BUY, SELL = Constants.ORDER_TYPE_BUY, Constants.ORDER_TYPE_SELL


@dataclass(frozen=True, slots=True)
class Calculated:
    """Account currency, one lot, at the last tick; None where the terminal cannot say.

    `margin_hedged` is for one lot bought and one sold together. `profit` is that of a buy whose
    price rises by PROFIT_TICKS ticks.
    """

    margin_buy: float | None = None
    margin_sell: float | None = None
    margin_hedged: float | None = None
    profit: float | None = None


def calculate(mt5: MetaTrader5, symbol: SymbolInfo, tick: Tick | None) -> Calculated:
    if tick is None or not (tick.ask > 0 and tick.bid > 0):
        return Calculated()
    buy = _positive(mt5.order_calc_margin(BUY, symbol.name, ONE_LOT, tick.ask))
    sell = _positive(mt5.order_calc_margin(SELL, symbol.name, ONE_LOT, tick.bid))
    return Calculated(buy, sell, _hedged(symbol, buy, sell), _profit(mt5, symbol, tick))


def _profit(mt5: MetaTrader5, symbol: SymbolInfo, tick: Tick) -> float | None:
    size = symbol.trade_tick_size or symbol.point
    if not size > 0:
        return None
    risen = tick.ask + PROFIT_TICKS * size
    return _positive(mt5.order_calc_profit(BUY, symbol.name, ONE_LOT, tick.ask, risen))


def _hedged(symbol: SymbolInfo, buy: float | None, sell: float | None) -> float | None:
    """As the MQL5 reference describes SYMBOL_MARGIN_HEDGED.

    The larger leg alone, or what the hedged contract size is of a whole one. With an initial margin
    it is an amount in the margin currency, which is not converted here: unknown.
    """
    if buy is None or sell is None:
        return None
    if symbol.margin_hedged_use_leg:
        return max(buy, sell)
    if symbol.margin_initial or not symbol.trade_contract_size > 0:
        return None
    share = symbol.margin_hedged / symbol.trade_contract_size
    return share * (buy + sell) / 2 if 0 <= share <= 2 else None


def _positive(value: float | None) -> float | None:
    """The module answers None, and some builds 0, where the symbol has no rates yet."""
    usable = value is not None and math.isfinite(value) and value > 0
    return value if usable else None
