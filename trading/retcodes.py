"""What MT5's return codes mean for the person who placed the order, and what to do.

What a code proves is in accounts/agents/retcodes.py, which has their names as well.
"""

FIFO_CLOSE = 10045
SENTENCES = {
    10004: "The price moved before the broker could execute. Try again.",
    10006: "The broker refused the order.",
    10007: "The order was cancelled at the broker.",
    10008: "The broker took the order and has not said that it executed.",
    10009: "Done.",
    10010: "The broker executed a part of the volume.",
    10011: "The broker failed while it processed the order.",
    10012: "The broker took too long; the order may still execute.",
    10013: "The broker found the request invalid.",
    10014: "The broker does not take this volume.",
    10015: "The broker does not take this price.",
    10016: "The stop-loss or take-profit is too close or wrong.",
    10017: "Trading this symbol is switched off at the broker.",
    10018: "The market is closed.",
    10019: "There is not enough free margin.",
    10020: "The price changed. Look at it and try again.",
    10021: "There are no quotes now. Try again when prices move.",
    10022: "The broker does not take this expiration.",
    10023: "The state of the order changed while it was processed.",
    10024: "Too many requests at once. Wait a moment.",
    10025: "It was so already.",
    10026: "The broker has switched automatic trading off.",
    10027: "The terminal has automatic trading switched off.",
    10028: "The request is locked while the broker processes it.",
    10029: "The order or position is frozen, too close to the market.",
    10030: "The broker does not fill orders in this way.",
    10031: "The terminal lost its broker while it was sending.",
    10032: "This is allowed on real accounts only.",
    10033: "The account has as many pending orders as it may.",
    10034: "The account holds as much of this symbol as it may.",
    10035: "The broker does not know this type of order.",
    10036: "The position is already closed.",
    10038: "The position is smaller than that.",
    10039: "Another order already closes this position.",
    10040: "The account has as many positions as it may.",
    10041: "The pending order was refused and cancelled.",
    10042: "Only buying is allowed in this symbol.",
    10043: "Only selling is allowed in this symbol.",
    10044: "Positions in this symbol may only be closed.",
    FIFO_CLOSE: "The oldest position of this symbol has to be closed first.",
    10046: "Opposite positions are not allowed on this account.",
}


def explain(code: int | None) -> str:
    """One sentence; empty for a code that MT5 does not have."""
    return SENTENCES.get(code, "") if code is not None else ""
