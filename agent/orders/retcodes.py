"""What the trade server's return codes prove (names and numbers as documented by MetaQuotes).

A code that is not listed proves nothing: its order is unknown until the terminal's own records say
more. So is an order without any code.
"""

from typing import Final, Literal

Outcome = Literal["done", "partial", "rejected", "unknown"]

DONE: Final = 10009
DONE_PARTIAL: Final = 10010
MARKET_CLOSED: Final = 10018
NO_CHANGES: Final = 10025
INVALID_FILL: Final = 10030
POSITION_CLOSED: Final = 10036

NAMES: Final = {
    10004: "REQUOTE",
    10006: "REJECT",
    10007: "CANCEL",
    10008: "PLACED",
    10009: "DONE",
    10010: "DONE_PARTIAL",
    10011: "ERROR",
    10012: "TIMEOUT",
    10013: "INVALID",
    10014: "INVALID_VOLUME",
    10015: "INVALID_PRICE",
    10016: "INVALID_STOPS",
    10017: "TRADE_DISABLED",
    10018: "MARKET_CLOSED",
    10019: "NO_MONEY",
    10020: "PRICE_CHANGED",
    10021: "PRICE_OFF",
    10022: "INVALID_EXPIRATION",
    10023: "ORDER_CHANGED",
    10024: "TOO_MANY_REQUESTS",
    10025: "NO_CHANGES",
    10026: "SERVER_DISABLES_AT",
    10027: "CLIENT_DISABLES_AT",
    10028: "LOCKED",
    10029: "FROZEN",
    10030: "INVALID_FILL",
    10031: "CONNECTION",
    10032: "ONLY_REAL",
    10033: "LIMIT_ORDERS",
    10034: "LIMIT_VOLUME",
    10035: "INVALID_ORDER",
    10036: "POSITION_CLOSED",
    10038: "INVALID_CLOSE_VOLUME",
    10039: "CLOSE_ORDER_EXIST",
    10040: "LIMIT_POSITIONS",
    10041: "REJECT_CANCEL",
    10042: "LONG_ONLY",
    10043: "SHORT_ONLY",
    10044: "CLOSE_ONLY",
    10045: "FIFO_CLOSE",
    10046: "HEDGE_PROHIBITED",
}
# 10036 is not among them: a close that finds its position gone has succeeded, once the deal that
# closed it is found.
_AMBIGUOUS = {10008, 10011, 10012, 10023, 10028, 10029, 10031, POSITION_CLOSED, 10039}
_OUTCOMES: dict[int, Outcome] = {DONE: "done", DONE_PARTIAL: "partial", NO_CHANGES: "done"}


def outcome_of(retcode: int | None) -> Outcome:
    """What the code alone proves; None is an order without a result."""
    if retcode is None or retcode not in NAMES or retcode in _AMBIGUOUS:
        return "unknown"
    return _OUTCOMES.get(retcode, "rejected")


def retcode_name(retcode: int | None) -> str:
    if retcode is None:
        return "NO_RESULT"
    return NAMES.get(retcode, str(retcode))
