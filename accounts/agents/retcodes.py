"""What MT5's return codes prove about a trade; names as in the MQL5 reference.

A code that is not here proves nothing, and neither does its absence.
"""

from __future__ import annotations

from typing import Literal

Outcome = Literal["done", "partial", "rejected", "unknown"]

DONE = 10009
DONE_PARTIAL = 10010
NO_CHANGES = 10025
POSITION_CLOSED = 10036

EXECUTED: dict[int, tuple[Outcome, str]] = {
    DONE: ("done", "DONE"),
    DONE_PARTIAL: ("partial", "DONE_PARTIAL"),
    NO_CHANGES: ("done", "NO_CHANGES"),
}
REJECTED = {
    10004: "REQUOTE",
    10006: "REJECT",
    10007: "CANCEL",
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
    10024: "TOO_MANY_REQUESTS",
    10026: "SERVER_DISABLES_AT",
    10027: "CLIENT_DISABLES_AT",
    10030: "INVALID_FILL",
    10032: "ONLY_REAL",
    10033: "LIMIT_ORDERS",
    10034: "LIMIT_VOLUME",
    10035: "INVALID_ORDER",
    10038: "INVALID_CLOSE_VOLUME",
    10040: "LIMIT_POSITIONS",
    10041: "REJECT_CANCEL",
    10042: "LONG_ONLY",
    10043: "SHORT_ONLY",
    10044: "CLOSE_ONLY",
    10045: "FIFO_CLOSE",
    10046: "HEDGE_PROHIBITED",
}
AMBIGUOUS = {
    10008: "PLACED",
    10011: "ERROR",
    10012: "TIMEOUT",
    10023: "ORDER_CHANGED",
    10028: "LOCKED",
    10029: "FROZEN",
    10031: "CONNECTION",
    POSITION_CLOSED: "POSITION_CLOSED",
    10039: "CLOSE_ORDER_EXIST",
}


def outcome(code: int | None) -> Outcome:
    if code in REJECTED:
        return "rejected"
    return EXECUTED[code][0] if code in EXECUTED else "unknown"


def name(code: int | None) -> str:
    """Empty for a code that MT5 does not have."""
    if code in EXECUTED:
        return EXECUTED[code][1]
    return REJECTED.get(code or 0) or AMBIGUOUS.get(code or 0, "")
