"""Closed trades as contract v1 gives them, put together from the deals of a position."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from agent.constants import SIDES, Constants
from agent.records import TradeDeal

PLACES = 8
CLOSING = (Constants.DEAL_ENTRY_OUT, Constants.DEAL_ENTRY_OUT_BY)


def v1_trades(deals: Iterable[TradeDeal], since: int = 0) -> list[dict[str, Any]]:
    """One trade for every position of which something was closed from `since` (broker seconds) on,
    in order of closing.

    A position whose opening is not among the deals is left out, as the old agents do it.
    """
    entries: dict[int, TradeDeal] = {}
    exits: dict[int, list[TradeDeal]] = {}
    for deal in deals:
        if deal.type not in SIDES:
            continue
        if deal.entry == Constants.DEAL_ENTRY_IN:
            entries.setdefault(deal.position_id, deal)
        elif deal.entry in CLOSING and deal.time >= since:
            exits.setdefault(deal.position_id, []).append(deal)
    return [_trade(entries[number], exits[number]) for number in exits if number in entries]


def _trade(entry: TradeDeal, exits: list[TradeDeal]) -> dict[str, Any]:
    last = exits[-1]
    profit = added(deal.profit for deal in exits)
    fees = sum(deal.commission for deal in exits) + entry.commission
    side = entry.type
    return {
        "symbol": last.symbol,
        "side": SIDES[side],
        "lot": added(deal.volume for deal in exits),
        "pips": _pips(last.symbol, side, entry.price, last.price),
        "tp_money": profit if last.reason == Constants.DEAL_REASON_TP else None,
        "sl_money": profit if last.reason == Constants.DEAL_REASON_SL else None,
        "commission": round(fees, PLACES),
        "profit": profit,
        "entry_time": _naive(entry.time),
        "exit_time": _naive(last.time),
        "entry_price": entry.price,
        "exit_price": last.price,
        "position_id": last.position_id,
    }


def added(figures: Iterable[float]) -> float:
    """The sum without the noise of floats, as fine as lots and money of any account (BTC) are."""
    return round(sum(figures), PLACES)


def _pips(symbol: str, side: int, entry: float, exit_price: float) -> float:
    """By the rule of thumb that old agents use: 0.01 for the yen, 0.0001 for small prices, 1."""
    pip = 0.01 if "JPY" in symbol else 0.0001 if entry < 20 else 1.0
    move = exit_price - entry if side == Constants.DEAL_TYPE_BUY else entry - exit_price
    return round(move / pip, 1)


def _naive(broker_seconds: int) -> str:
    return datetime.fromtimestamp(broker_seconds, UTC).replace(tzinfo=None).isoformat()
