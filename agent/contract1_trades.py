"""Trading over contract v1: what agents in the field do, their weaknesses included.

Nothing ties a request to a login, nothing makes it happen at most once, and a request that its
client gave up is executed all the same. Everything that goes wrong is a 400 with a text in
`detail`, whether the order was never sent, was refused, was executed in part, or nobody knows: what
was sent says "Order failed: " and the trade server's comment.
"""

import math
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from agent.agent import Agent
from agent.body import parsed, read_body
from agent.constants import Constants
from agent.contract1 import answer, refused
from agent.errors import PositionsUnreadable, SymbolUnknown, TerminalError, TerminalTimeout
from agent.orders.retcodes import DONE
from agent.problem import Problem
from agent.readings import read_account, read_positions, read_symbol
from agent.records import MetaTrader5, OrderSendResult, SymbolInfo, Tick, TradePosition

MAGIC = 234_000
DEVIATION = 20
LONGEST_COMMENT = 31
# Old agents never give up a request that waits for its turn.
PATIENCE = 3_600.0
BUY = Constants.ORDER_TYPE_BUY
Body = dict[str, Any]
_KINDS: dict[str, tuple[type, ...]] = {
    "symbol": (str,),
    "order_type": (str,),
    "comment": (str,),
    "lot": (int, float),
    "sl": (int, float),
    "tp": (int, float),
    "ticket": (int,),
    "deviation": (int,),
}


class Refused(Exception):
    """Answered as a 400; the text is the `detail`."""


async def open_position(request: Request) -> Response:
    return await _trade(request, ("symbol", "lot", "order_type"), _open)


async def close_position(request: Request) -> Response:
    return await _trade(request, ("ticket",), _close)


async def modify_position(request: Request) -> Response:
    return await _trade(request, ("ticket",), _modify)


ROUTES: list[BaseRoute] = [
    Route("/positions/open", open_position, methods=["POST"]),
    Route("/positions/close", close_position, methods=["POST"]),
    Route("/positions/modify", modify_position, methods=["PUT"]),
]


async def _trade(
    request: Request, needed: tuple[str, ...], act: Callable[[MetaTrader5, Body], Body]
) -> Response:
    agent: Agent = request.scope["agent"]
    if not agent.trades_over_v1 or not agent.offers_positions:
        return refused(404, "Not Found")
    try:
        body = _read(await read_body(request.receive), _is_json(request), needed)
    except Problem as error:
        return refused(error.status, error.title)
    except ValueError as error:
        name, message = error.args
        return answer({"detail": [{"loc": ["body", name], "msg": message}]}, 422)
    try:
        return answer(await agent.terminal.run(lambda mt5: act(mt5, body), PATIENCE))
    except Refused as error:
        return refused(400, str(error))
    except TerminalTimeout as error:
        return refused(500, str(error))
    except TerminalError:
        return refused(400, "MT5 not initialized")


def _open(mt5: MetaTrader5, body: Body) -> Body:
    name, lot, side = body["symbol"], float(body["lot"]), _side(body["order_type"])
    account = read_account(mt5)
    try:
        symbol, tick = read_symbol(mt5, name)
    except SymbolUnknown as error:
        raise Refused(f"Symbol {name} not found") from error
    if tick is None:
        raise Refused(f"Price of symbol {name} not found")
    if not account.trade_allowed:
        raise Refused("Trading not allowed on this account")
    _check_figures(name, tick.bid, tick.ask, symbol.volume_min, symbol.volume_max, symbol.point)
    _check_lot(lot, symbol)
    price = tick.ask if side == BUY else tick.bid
    sl, tp = _from_pips(body, side, symbol, tick)
    needed = mt5.order_calc_margin(side, name, lot, price)
    _check_figures(name, account.margin_free, 0.0 if needed is None else needed)
    if needed is not None and needed > account.margin_free:
        raise Refused(
            f"Insufficient margin. Required: {needed:.2f}, available: {account.margin_free:.2f}"
        )
    sent = _deal(name, lot, side, price, DEVIATION) | {"sl": sl, "tp": tp}
    comment = body.get("comment") or "MT5 Agent"
    done = _done(mt5.order_send(sent | {"comment": comment[:LONGEST_COMMENT]}), "Order failed")
    text = f"{body['order_type'].upper()} {lot} {name} opened"
    return {
        "success": True, "ticket": done.order, "message": text, "price": done.price,
        "error_code": None,
    }  # fmt: skip


def _close(mt5: MetaTrader5, body: Body) -> Body:
    position = _position(mt5, body["ticket"])
    tick = mt5.symbol_info_tick(position.symbol)
    if tick is None:
        raise Refused(f"Price of symbol {position.symbol} not found")
    _check_figures(position.symbol, tick.bid, tick.ask, position.volume)
    side = 1 - position.type
    price = tick.ask if side == BUY else tick.bid
    deviation = body.get("deviation") or DEVIATION
    sent = _deal(position.symbol, position.volume, side, price, deviation)
    extra = {"position": position.ticket, "comment": "Close position"}
    done = _done(mt5.order_send(sent | extra), "Close failed")
    text = f"Position {position.ticket} closed"
    return {
        "success": True, "ticket": position.ticket, "message": text, "close_price": done.price,
    }  # fmt: skip


def _modify(mt5: MetaTrader5, body: Body) -> Body:
    """A level that is not given stays as it is; 0 removes it."""
    position = _position(mt5, body["ticket"])
    given_sl, given_tp = body.get("sl"), body.get("tp")
    sl = position.sl if given_sl is None else float(given_sl)
    tp = position.tp if given_tp is None else float(given_tp)
    sent = {
        "action": Constants.TRADE_ACTION_SLTP, "symbol": position.symbol,
        "position": position.ticket, "sl": sl, "tp": tp, "magic": MAGIC,
    }  # fmt: skip
    _done(mt5.order_send(sent), "Modify failed")
    text = f"Position {position.ticket} modified"
    return {
        "success": True, "ticket": position.ticket, "message": text,
        "new_sl": sl or None, "new_tp": tp or None,
    }  # fmt: skip


def _deal(name: str, lot: float, side: int, price: float, deviation: int) -> Body:
    """IOC whatever the symbol takes: brokers without it refuse every order of an old agent."""
    return {
        "action": Constants.TRADE_ACTION_DEAL, "symbol": name, "volume": lot, "type": side,
        "price": price, "deviation": deviation, "magic": MAGIC,
        "type_time": Constants.ORDER_TIME_GTC, "type_filling": Constants.ORDER_FILLING_IOC,
    }  # fmt: skip


def _done(result: OrderSendResult | None, what: str) -> OrderSendResult:
    """Only 10009 counts: a part that was executed, or no change, is an error to old agents. They
    pass on the trade server's comment and leave its return code out."""
    if result is None:
        raise Refused(f"{what}: no response from the terminal")
    if result.retcode != DONE:
        raise Refused(f"{what}: {result.comment}")
    return result


def _position(mt5: MetaTrader5, ticket: int) -> TradePosition:
    """Old agents take positions that cannot be read for none here too."""
    read_account(mt5)
    try:
        positions = read_positions(mt5)
    except PositionsUnreadable:
        positions = ()
    for position in positions:
        if position.ticket == ticket:
            return position
    raise Refused(f"Position {ticket} not found")


def _side(text: str) -> int:
    sides = {"BUY": BUY, "SELL": Constants.ORDER_TYPE_SELL}
    if text.upper() not in sides:
        raise Refused(f"Invalid order type: {text}")
    return sides[text.upper()]


def _check_figures(name: str, *figures: float) -> None:
    """No check fails on what is no number: it compares as neither more nor less."""
    if not all(map(math.isfinite, figures)):
        raise Refused(f"Figures of symbol {name} not found")


def _check_lot(lot: float, symbol: SymbolInfo) -> None:
    if lot < symbol.volume_min:
        raise Refused(f"Lot size {lot} is below minimum {symbol.volume_min}")
    if lot > symbol.volume_max:
        raise Refused(f"Lot size {lot} is above maximum {symbol.volume_max}")


def _from_pips(body: Body, side: int, symbol: SymbolInfo, tick: Tick) -> tuple[float, float]:
    """Price levels from distances in pips, measured from the price that is paid."""
    pip = symbol.point * 10 if symbol.digits in (3, 5) else symbol.point
    price, sign = (tick.ask, 1) if side == BUY else (tick.bid, -1)
    levels = []
    for name, direction in (("sl", -sign), ("tp", sign)):
        pips = float(body.get(name) or 0)
        if pips and pips * pip < symbol.trade_stops_level * symbol.point:
            raise Refused(f"{name.upper()} too close: {pips:g} pips")
        levels.append(round(price + direction * pips * pip, symbol.digits) if pips else 0.0)
    return levels[0], levels[1]


def _is_json(request: Request) -> bool:
    """A form of a page has another type, or none; one that a page sets has it ask first."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "application/json"


def _read(body: bytes, is_json: bool, needed: tuple[str, ...]) -> Body:
    """Raises `ValueError` with the field and what is wrong with it."""
    if not is_json:
        raise ValueError("", "Content-Type should be application/json")
    try:
        content = parsed(body)
    except ValueError as error:
        raise ValueError("", "JSON decode error") from error
    if not isinstance(content, dict):
        raise ValueError("", "Input should be an object")
    for name in needed:
        if content.get(name) is None:
            raise ValueError(name, "Field required")
    for name, kinds in _KINDS.items():
        value = content.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, kinds)):
            raise ValueError(name, "Input should be of another type")
    return content
