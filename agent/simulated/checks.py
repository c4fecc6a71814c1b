"""What the simulated trade server accepts: the return code that a request would be refused with."""

from decimal import Decimal

from agent.constants import Constants
from agent.orders.retcodes import INVALID_FILL, NO_CHANGES, POSITION_CLOSED
from agent.records import TradeRequest
from agent.simulated.account import BUY, SimulatedAccount, SimulatedPosition
from agent.simulated.market import Quote
from agent.simulated.symbols import Symbol

INVALID, INVALID_VOLUME, INVALID_STOPS, NO_MONEY = 10013, 10014, 10016, 10019
INVALID_CLOSE_VOLUME = 10038
# Bits of a symbol's mask by the number that a request has for the same filling.
_FILLING_BITS = {
    Constants.ORDER_FILLING_FOK: Constants.SYMBOL_FILLING_FOK,
    Constants.ORDER_FILLING_IOC: Constants.SYMBOL_FILLING_IOC,
}


def check(account: SimulatedAccount, request: TradeRequest) -> int:
    """0 when the request may be executed."""
    quote = account.market.quotes.get(request.symbol)
    if quote is None:
        return INVALID
    if request.action == Constants.TRADE_ACTION_SLTP:
        return _check_levels(account, request, quote)
    if request.action != Constants.TRADE_ACTION_DEAL or request.type not in (0, 1):
        return INVALID
    if not _FILLING_BITS.get(request.type_filling, 0) & quote.symbol.filling:
        return INVALID_FILL
    if request.position:
        return _check_close(account, request, quote.symbol)
    return _check_open(account, request, quote)


def free_margin(account: SimulatedAccount) -> float:
    positions = account.positions.values()
    used = sum(account.market.margin(p.symbol, p.volume, account.leverage) for p in positions)
    floating = sum(record.profit + record.swap for record in map(account.record, positions))
    return account.balance_cents / 100 + floating - used


def netted(account: SimulatedAccount, symbol: str) -> SimulatedPosition | None:
    """The position that a deal in `symbol` changes on an account that nets."""
    if account.hedging:
        return None
    return next((p for p in account.positions.values() if p.symbol.name == symbol), None)


def _check_levels(account: SimulatedAccount, request: TradeRequest, quote: Quote) -> int:
    position = account.positions.get(request.position)
    if position is None:
        return POSITION_CLOSED
    if position.symbol is not quote.symbol:
        return INVALID
    if (request.sl, request.tp) == (position.sl, position.tp):
        return NO_CHANGES
    moved_sl = 0.0 if request.sl == position.sl else request.sl
    moved_tp = 0.0 if request.tp == position.tp else request.tp
    return _check_stops(position.side, moved_sl, moved_tp, quote)


def _check_close(account: SimulatedAccount, request: TradeRequest, symbol: Symbol) -> int:
    position = account.positions.get(request.position)
    if position is None:
        return POSITION_CLOSED
    if position.symbol is not symbol or position.side == request.type:
        return INVALID
    if _decimal(request.volume) > _decimal(position.volume):
        return INVALID_CLOSE_VOLUME
    if request.volume == position.volume:
        return 0
    return _check_volume(request.volume, symbol)


def _check_open(account: SimulatedAccount, request: TradeRequest, quote: Quote) -> int:
    refusal = _check_volume(request.volume, quote.symbol)
    refusal = refusal or _check_stops(request.type, request.sl, request.tp, quote)
    if refusal:
        return refusal
    present = netted(account, request.symbol)
    needed = account.market.margin(quote.symbol, request.volume, account.leverage)
    adds = present is None or present.side == request.type
    return NO_MONEY if adds and needed > free_margin(account) else 0


def _check_volume(volume: float, symbol: Symbol) -> int:
    lots = _decimal(volume)
    within = _decimal(symbol.volume_min) <= lots <= _decimal(symbol.volume_max)
    return 0 if within and not lots % _decimal(symbol.volume_step) else INVALID_VOLUME


def _check_stops(side: int, sl: float, tp: float, quote: Quote) -> int:
    price, sign = (quote.bid, 1) if side == BUY else (quote.ask, -1)
    nearest, tick = quote.symbol.stops_level * _decimal(quote.symbol.point), quote.symbol.tick
    for level, direction in ((sl, -sign), (tp, sign)):
        distance = (_decimal(level) - _decimal(price)) * direction
        if level and (distance <= 0 or distance < nearest or _decimal(level) % _decimal(tick)):
            return INVALID_STOPS
    return 0


def _decimal(figure: float) -> Decimal:
    return Decimal(str(figure))
