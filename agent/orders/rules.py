"""What an account and a symbol allow, checked before anything is sent, with plain reasons.

Every function returns when the order is allowed, and raises `Refusal` when it is not. Figures of
the terminal are floats: they are compared as the decimal numbers that they are shown as.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Protocol

from agent.constants import Constants
from agent.errors import TerminalError
from agent.orders.request import OrderRequest, Side
from agent.problem import Refusal
from agent.records import AccountInfo, SymbolInfo, TerminalInfo, Tick, TradePosition

BUY, SELL = Constants.POSITION_TYPE_BUY, Constants.POSITION_TYPE_SELL


class Levels(Protocol):
    """Stop-loss and take-profit as an order asks for them."""

    @property
    def sl(self) -> Decimal | None: ...
    @property
    def tp(self) -> Decimal | None: ...


def refused(kind: str, detail: str) -> Refusal:
    return Refusal(422, kind, TITLES[kind], detail)


TITLES = {
    "login-mismatch": "The terminal is on another login",
    "server-mismatch": "The terminal is on another server",
    "order-expired": "The order came too late",
    "trading-not-allowed": "Trading is not allowed",
    "symbol-not-tradable": "The symbol cannot be traded so",
    "no-price": "There is no price",
    "volume-invalid": "The volume cannot be traded",
    "stops-invalid": "The stop-loss or the take-profit cannot be set there",
    "stops-too-close": "The stop-loss or the take-profit is too close to the price",
    "position-not-found": "There is no such position",
    "position-mismatch": "The position is another one",
    "position-frozen": "The position is frozen",
    "netting-opposite": "The account holds one position a symbol",
    "margin-insufficient": "There is not enough free margin",
    "market-closed": "The market is closed",
    "check-failed": "The terminal's own check refuses the order",
}


def decimal(figure: float) -> Decimal:
    """A figure of the terminal. Raises `TerminalError` for one that is no number: whatever it is
    compared with, the comparison would not fail."""
    number = Decimal(str(figure))
    if not number.is_finite():
        raise TerminalError("a figure of the terminal is not a number")
    return number


def plain(number: Decimal | float) -> str:
    """For a sentence: without zeros behind it, and without an exponent."""
    return f"{Decimal(str(number)).normalize():f}"


def check_login(order: OrderRequest, account: AccountInfo) -> None:
    if account.login != order.expected_login:
        raise refused(
            "login-mismatch", f"it is on login {account.login}, not {order.expected_login}"
        )
    if order.expected_server and account.server != order.expected_server:
        raise refused(
            "server-mismatch", f"it is on server {account.server}, not {order.expected_server}"
        )


def check_expiry(order: OrderRequest, now: float) -> None:
    """`now` in UTC seconds."""
    late = now - order.expires_at.timestamp()
    if late >= 0:
        raise refused("order-expired", f"it expired {late:.3f} s ago, by this machine's clock")


def check_permission(account: AccountInfo, terminal: TerminalInfo) -> None:
    """Most often: a login with the investor password, which sees everything and may do nothing."""
    if not terminal.connected:
        raise refused("trading-not-allowed", "the terminal has no connection to its broker")
    if not account.trade_allowed:
        raise refused("trading-not-allowed", "the login is read-only, or the account is disabled")
    if not account.trade_expert:
        raise refused("trading-not-allowed", "the broker does not let programs trade this account")
    if not terminal.trade_allowed:
        raise refused("trading-not-allowed", "automatic trading is switched off in the terminal")
    if terminal.tradeapi_disabled:
        raise refused("trading-not-allowed", "the terminal does not let the Python module trade")


def check_symbol(order: OrderRequest, symbol: SymbolInfo) -> None:
    """Whether the symbol takes new trades on that side; closing is checked by `check_closing`."""
    mode = symbol.trade_mode
    if mode == Constants.SYMBOL_TRADE_MODE_DISABLED:
        raise refused("symbol-not-tradable", f"trading {symbol.name} is disabled at this broker")
    if order.kind != "open":
        return
    if mode == Constants.SYMBOL_TRADE_MODE_CLOSEONLY:
        raise refused("symbol-not-tradable", f"positions in {symbol.name} may only be closed")
    if mode == Constants.SYMBOL_TRADE_MODE_LONGONLY and order.side == "SELL":
        raise refused("symbol-not-tradable", f"{symbol.name} may only be bought")
    if mode == Constants.SYMBOL_TRADE_MODE_SHORTONLY and order.side == "BUY":
        raise refused("symbol-not-tradable", f"{symbol.name} may only be sold")


def check_netting(
    order: OrderRequest, account: AccountInfo, positions: Iterable[TradePosition]
) -> None:
    """On a netting account an opposite "open" would close or turn what is there."""
    if account.margin_mode == Constants.ACCOUNT_MARGIN_MODE_RETAIL_HEDGING:
        return
    for position in positions:
        if position.symbol == order.symbol and position.type != side_number(order.side):
            raise refused(
                "netting-opposite",
                f"an open {side_name(position.type)} of {decimal(position.volume)} lots "
                f"{position.symbol} would be reduced or turned; close it instead",
            )


def check_volume(volume: Decimal, symbol: SymbolInfo, *, whole: Decimal | None = None) -> None:
    """`whole` is the volume of the position to close: closing all of it is always allowed."""
    if whole is not None and volume > whole:
        raise refused(
            "volume-invalid", f"the position has {plain(whole)} lots, fewer than {plain(volume)}"
        )
    if volume == whole:
        return
    least, most = decimal(symbol.volume_min), decimal(symbol.volume_max)
    step = decimal(symbol.volume_step)
    lots = plain(volume)
    if volume < least:
        raise refused("volume-invalid", f"{lots} is too little: at least {plain(least)} lots")
    if volume > most:
        raise refused("volume-invalid", f"{lots} is too much: at most {plain(most)} lots an order")
    if step > 0 and volume % step:
        raise refused("volume-invalid", f"{lots} lots is not a multiple of {plain(step)}")


def check_volume_limit(
    volume: Decimal, side: int, symbol: SymbolInfo, positions: Iterable[TradePosition]
) -> None:
    """Pending orders count at the broker too, and are not known here."""
    limit = decimal(symbol.volume_limit)
    alike = [one for one in positions if (one.symbol, one.type) == (symbol.name, side)]
    held = sum((decimal(one.volume) for one in alike), Decimal(0))
    if limit > 0 and held + volume > limit:
        raise refused(
            "volume-invalid",
            f"at most {plain(limit)} lots of {symbol.name} may be open on one side, "
            f"and {plain(held)} are",
        )


def check_stops(levels: Levels, side: int, symbol: SymbolInfo, tick: Tick) -> None:
    """Levels are measured from the price at which the position would close."""
    price = closing_price(side, tick)
    nearest = symbol.trade_stops_level * decimal(symbol.point)
    above = 1 if side == BUY else -1
    for name, level, direction in (
        ("stop-loss", levels.sl, -above),
        ("take-profit", levels.tp, above),
    ):
        if level is None:
            continue
        tick_size = decimal(symbol.trade_tick_size or symbol.point)
        if tick_size > 0 and level % tick_size:
            raise refused("stops-invalid", f"the {name} {level} is not a multiple of {tick_size}")
        distance = (level - price) * direction
        if distance <= 0:
            where = "above" if direction > 0 else "below"
            raise refused("stops-invalid", f"the {name} {level} is not {where} the price {price}")
        if distance < nearest:
            raise refused(
                "stops-too-close",
                f"the {name} {level} is {distance} from the price {price}; "
                f"the broker asks for {nearest}",
            )


def check_freeze(position: TradePosition, symbol: SymbolInfo, tick: Tick) -> None:
    """A position about to meet its stop-loss or take-profit can be neither changed nor closed."""
    freeze = symbol.trade_freeze_level * decimal(symbol.point)
    price = closing_price(position.type, tick)
    for level in (position.sl, position.tp):
        if level and abs(decimal(level) - price) < freeze:
            raise refused(
                "position-frozen",
                f"the price {price} is within {freeze} of the level {decimal(level)}",
            )


def closing_price(side: int, tick: Tick) -> Decimal:
    return decimal(tick.bid if side == BUY else tick.ask)


def side_number(side: Side | None) -> int:
    return BUY if side == "BUY" else SELL


def side_name(side: int) -> str:
    return "BUY" if side == BUY else "SELL"
