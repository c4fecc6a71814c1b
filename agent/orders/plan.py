"""From an order to the request that the terminal is sent, or to the reason why it is not sent."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from agent.constants import Constants
from agent.errors import TerminalError, TerminalUnavailable
from agent.orders.limits import limit_of
from agent.orders.request import OrderRequest
from agent.orders.retcodes import DONE, INVALID_FILL, MARKET_CLOSED, NO_CHANGES, retcode_name
from agent.orders.rules import (
    check_freeze,
    check_login,
    check_netting,
    check_permission,
    check_stops,
    check_symbol,
    check_volume,
    check_volume_limit,
    decimal,
    refused,
    side_name,
    side_number,
)
from agent.problem import Refusal
from agent.readings import read_account, read_positions, read_symbol, reason
from agent.records import AccountInfo, MetaTrader5, SymbolInfo, Tick, TradePosition

_CHECKS = {
    10014: "volume-invalid",
    10016: "stops-invalid",
    10017: "symbol-not-tradable",
    MARKET_CLOSED: "market-closed",
    10019: "margin-insufficient",
    10026: "trading-not-allowed",
    10027: "trading-not-allowed",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """`sent` is the request as the module takes it; the account is the one it was made on.

    `position` is the ticket of the position that it changes, None when it opens one of its own;
    `identifier` is that position's identifier, which its deals bear whatever its ticket is.
    """

    account: AccountInfo
    sent: dict[str, Any]
    position: int | None
    identifier: int | None = None
    limit: Callable[[int], str] = lambda retcode: ""
    """The limit behind a return code, empty when it is not known."""


def make_plan(mt5: MetaTrader5, order: OrderRequest) -> Plan:
    """Reads what the order is about and checks it. Raises `Refusal`, or `TerminalError` when
    something cannot be read; sends nothing."""
    account = read_account(mt5)
    check_login(order, account)
    terminal = mt5.terminal_info()
    if terminal is None:
        raise TerminalUnavailable(reason(mt5))
    check_permission(account, terminal)
    symbol, tick = read_symbol(mt5, order.symbol)
    check_symbol(order, symbol)
    if tick is None or not (tick.bid > 0 and tick.ask > 0):
        raise refused("no-price", f"there is no price of {order.symbol} now")
    positions = read_positions(mt5)
    if order.kind == "open":
        position, side = _merged_into(order, account, positions), side_number(order.side)
        sent = _opening(order, account, symbol, tick, positions)
    else:
        named = position = _position(order, positions)
        check_freeze(named, symbol, tick)
        change = _closing if order.kind == "close" else _modifying
        side, sent = named.type, change(order, symbol, tick, named)
    limit = partial(limit_of, account=account, symbol=symbol, side=side, tick=tick)
    checked = _checked(mt5, sent, symbol, limit)
    if position is None:
        return Plan(account, checked, None, limit=limit)
    return Plan(account, checked, position.ticket, position.identifier, limit)


def _merged_into(
    order: OrderRequest, account: AccountInfo, positions: tuple[TradePosition, ...]
) -> TradePosition | None:
    """The position that an open adds to: only an account that nets has one."""
    if account.margin_mode == Constants.ACCOUNT_MARGIN_MODE_RETAIL_HEDGING:
        return None
    return next((item for item in positions if item.symbol == order.symbol), None)


def _opening(
    order: OrderRequest,
    account: AccountInfo,
    symbol: SymbolInfo,
    tick: Tick,
    positions: tuple[TradePosition, ...],
) -> dict[str, Any]:
    volume, side = order.volume or Decimal(0), side_number(order.side)
    check_volume(volume, symbol)
    check_volume_limit(volume, side, symbol, positions)
    check_stops(order, side, symbol, tick)
    check_netting(order, account, positions)
    price = tick.ask if side == Constants.ORDER_TYPE_BUY else tick.bid
    return _deal(order, side, volume, price) | _levels(order)


def _closing(
    order: OrderRequest, symbol: SymbolInfo, tick: Tick, position: TradePosition
) -> dict[str, Any]:
    whole = decimal(position.volume)
    volume = whole if order.volume is None else order.volume
    check_volume(volume, symbol, whole=whole)
    side = 1 - position.type
    price = tick.ask if side == Constants.ORDER_TYPE_BUY else tick.bid
    return _deal(order, side, volume, price) | {"position": position.ticket}


def _modifying(
    order: OrderRequest, symbol: SymbolInfo, tick: Tick, position: TradePosition
) -> dict[str, Any]:
    """Levels that stay as they are are not checked: the price may have come close to them."""
    kept = {decimal(position.sl), decimal(position.tp)}
    moved = order._replace(
        sl=None if order.sl in kept else order.sl, tp=None if order.tp in kept else order.tp
    )
    check_stops(moved, position.type, symbol, tick)
    return {
        "action": Constants.TRADE_ACTION_SLTP,
        "symbol": order.symbol,
        "position": position.ticket,
        "magic": order.magic,
        "comment": order.tag,
    } | _levels(order)


def _deal(order: OrderRequest, side: int, volume: Decimal, price: float) -> dict[str, Any]:
    return {
        "action": Constants.TRADE_ACTION_DEAL,
        "symbol": order.symbol,
        "volume": float(volume),
        "type": side,
        "price": float(decimal(price)),
        "deviation": order.deviation,
        "magic": order.magic,
        "comment": order.tag,
        "type_time": Constants.ORDER_TIME_GTC,
    }


def _levels(order: OrderRequest) -> dict[str, float]:
    return {"sl": float(order.sl or 0), "tp": float(order.tp or 0)}


def _position(order: OrderRequest, positions: tuple[TradePosition, ...]) -> TradePosition:
    """That of the ticket, or of the identifier where a broker has re-opened it under another
    ticket since: no other position ever has that number."""
    position = next((item for item in positions if item.ticket == order.position), None)
    if position is None:
        position = next((item for item in positions if item.identifier == order.position), None)
    if position is None:
        detail = f"no open position has the ticket or the identifier {order.position}"
        raise refused("position-not-found", detail)
    if position.symbol != order.symbol:
        raise refused("position-mismatch", f"position {position.ticket} is in {position.symbol}")
    if order.side is not None and position.type != side_number(order.side):
        raise refused(
            "position-mismatch", f"position {position.ticket} is a {side_name(position.type)}"
        )
    return position


def _checked(
    mt5: MetaTrader5, sent: dict[str, Any], symbol: SymbolInfo, limit: Callable[[int], str]
) -> dict[str, Any]:
    """The request in the first filling mode that the terminal's own check takes.

    A check sends nothing, so it may be repeated; what is sent is sent once, as it was checked.
    """
    failure = refused("check-failed", "the symbol has no filling mode")
    for request in _with_filling(sent, symbol):
        answer = mt5.order_check(request)
        if answer is None:
            raise TerminalError(f"the order could not be checked: {reason(mt5)}")
        if answer.retcode in (0, DONE, NO_CHANGES):
            return request
        failure = _failed(answer.retcode, answer.comment, limit(answer.retcode))
        if answer.retcode != INVALID_FILL:
            break
    raise failure


def _with_filling(sent: dict[str, Any], symbol: SymbolInfo) -> Iterator[dict[str, Any]]:
    """IOC first: it takes what there is and leaves no rest working. The symbol has a bit mask of
    modes, the request takes one number that is not a bit."""
    if sent["action"] != Constants.TRADE_ACTION_DEAL:
        yield sent
        return
    modes = []
    if symbol.filling_mode & Constants.SYMBOL_FILLING_IOC:
        modes.append(Constants.ORDER_FILLING_IOC)
    if symbol.filling_mode & Constants.SYMBOL_FILLING_FOK:
        modes.append(Constants.ORDER_FILLING_FOK)
    if symbol.trade_exemode != Constants.SYMBOL_TRADE_EXECUTION_MARKET:
        modes.append(Constants.ORDER_FILLING_RETURN)
    for mode in modes or [Constants.ORDER_FILLING_FOK]:
        yield sent | {"type_filling": mode}


def _failed(retcode: int, comment: str, limit: str) -> Refusal:
    name = retcode_name(retcode)
    said = name if comment in ("", name) else f"{comment} ({name})"
    said = f"{said}: {limit}" if limit else said
    return refused(_CHECKS.get(retcode, "check-failed"), said)
