"""The limit behind a return code, where the terminal says what it is: "at most 100 lots"."""

from agent.orders.retcodes import retcode_name
from agent.orders.rules import closing_price, decimal, plain
from agent.records import AccountInfo, SymbolInfo, Tick


def limit_of(retcode: int, account: AccountInfo, symbol: SymbolInfo, side: int, tick: Tick) -> str:
    """Empty for a code that is about no limit, and where the broker does not tell the limit.

    `side` is that of the position: its stops are measured from where it would close.
    """
    point, price = decimal(symbol.point), plain(closing_price(side, tick))
    match retcode_name(retcode):
        case "INVALID_VOLUME":
            least, most = plain(symbol.volume_min), plain(symbol.volume_max)
            step = plain(symbol.volume_step)
            return f"at least {least} and at most {most} lots an order, in steps of {step}"
        case "INVALID_STOPS" if symbol.trade_stops_level:
            return f"at least {plain(symbol.trade_stops_level * point)} from the price {price}"
        case "NO_MONEY":
            return f"{plain(account.margin_free)} {account.currency} of margin are free"
        case "FROZEN" if symbol.trade_freeze_level:
            near = plain(symbol.trade_freeze_level * point)
            return f"nothing may be changed within {near} of the price {price}"
        case "LIMIT_ORDERS" if account.limit_orders:
            return f"at most {account.limit_orders} pending orders"
        case "LIMIT_VOLUME" if symbol.volume_limit:
            return f"at most {plain(symbol.volume_limit)} lots of {symbol.name} on one side"
    return ""
