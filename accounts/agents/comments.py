"""The trade server's comments that agents of contract 1 pass on, and what return codes they mean.

Such an agent answers a trade that did not succeed with "Order failed: COMMENT" and leaves the
return code out. The comments here are those of definite codes, as the terminal spells them; any
other text may stand for a trade that was executed, or will be.
"""

from __future__ import annotations

from accounts.agents.retcodes import NO_CHANGES
from accounts.agents.trades import TradeRequest

PREFIXES = {"open": "Order failed: ", "close": "Close failed: ", "modify": "Modify failed: "}
CODES = {
    "Requote": 10004,
    "Invalid volume": 10014,
    "Invalid price": 10015,
    "Invalid stops": 10016,
    "Trade disabled": 10017,
    "Market closed": 10018,
    "No money": 10019,
    "Too many requests": 10024,
    "AutoTrading disabled by client": 10027,
    "Unsupported filling mode": 10030,
}
UNCHANGED = "No changes"


def comment_of(detail: str, request: TradeRequest) -> str:
    """Return the comment after the words that a failed trade of this kind begins with, without a
    full stop at its end; empty for any other text."""
    prefix = PREFIXES[request.kind]
    return detail.removeprefix(prefix).removesuffix(".") if detail.startswith(prefix) else ""


def code_of(comment: str, request: TradeRequest) -> int | None:
    """Return the definite return code that `comment` stands for, never by a part of it; None when
    it proves nothing. That nothing changed is an answer to a modify only."""
    if comment == UNCHANGED and request.kind == "modify":
        return NO_CHANGES
    return CODES.get(comment)


def misses_position(comment: str, request: TradeRequest) -> bool:
    """Whether the agent did not find the position to close or to modify, and so sent nothing."""
    return request.kind != "open" and comment == f"Position {request.position} not found"
