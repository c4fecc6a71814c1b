"""What is asked of an agent that trades, and what is known afterwards. Prices are levels."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

from accounts.agents.call import Answer, Headers
from accounts.agents.errors import NotSent
from accounts.agents.listed import Unreadable
from accounts.agents.retcodes import Outcome
from mt5monitor.text import clean

__all__ = [
    "ClosedPosition",
    "Deal",
    "DealsReading",
    "NotSent",
    "OrderRecord",
    "Side",
    "TradeAnswer",
    "TradeRequest",
]

Side = Literal["BUY", "SELL"]
Kind = Literal["open", "close", "modify"]
MESSAGE = 300
RECEIVED = 4000


class TradeRequest(msgspec.Struct, frozen=True):
    kind: Kind
    tag: str
    """At most 26 ASCII letters and digits: the comment of the trade in MT5."""
    magic: int
    expected_login: int
    expected_server: str
    """Empty when the account's server is not known; contract 1 never tells it."""
    expires_at: datetime
    """Aware. Nothing may be sent after it."""
    symbol: str
    side: Side | None
    """Of the trade for an open; of the position, or None, for the others."""
    volume: Decimal | None
    """Lots. None for a close of all of the position and for a modify."""
    sl: Decimal | None
    tp: Decimal | None
    """Price levels; None for none, also where a modify finds one."""
    position: int | None
    """Its ticket, for close and modify; our agents take its identifier as well."""
    deviation: int
    """Points."""


class TradeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Tickets and figures that were not told, or told as 0, are None."""

    outcome: Outcome
    retcode: int | None = None
    retcode_name: str = ""
    order: int | None = None
    """Of an open, also the ticket of the position, unless `position` says otherwise."""
    deal: int | None = None
    position: int | None = None
    """Its ticket."""
    identifier: int | None = None
    """Of that position: stays when its ticket changes. None with contract 1, and older agents."""
    volume: Decimal | None = None
    price: Decimal | None = None
    bid: Decimal | None = None
    ask: Decimal | None = None
    message: str = ""
    """What the agent or the broker said, or why the outcome is unknown."""
    received: str = ""
    """The body of the answer, cleaned, its first 4,000 characters; as far as it came."""
    external: bool = False
    """The position to close or to modify is gone, closed by something else. "Not found" alone, as
    contract 1 says it also after a failed read, needs a reading that agrees."""


class Asked(msgspec.Struct, frozen=True):
    """A trade as one contract puts it on the wire."""

    method: str
    path: str
    headers: Headers
    body: bytes
    judge: Callable[[Answer], TradeAnswer]
    """What an answer proves. Raises NotSent for a proven refusal; any other AgentError says why
    nothing is proven."""


class OrderRecord(msgspec.Struct, frozen=True):
    """What an agent of contract 2 has in its journal about one tag."""

    state: Literal["unknown-tag", "executing", "ended"]
    answer: TradeAnswer | None
    """None unless ended. An order that the agent refused before it sent it is "rejected"."""
    conclusion: str = ""
    """Of the agent's own search, if it made one: found, absent, working, ambiguous, unreadable,
    disconnected or another-login."""
    detail: str = ""
    login: int | None = None
    """The one that the order was sent on."""
    journal: str = ""
    """The journal's identity: another one than before has forgotten what that one knew."""
    journal_since: datetime | None = None
    """An unknown tag proves nothing about an order from before. Aware, UTC."""


class Deal(msgspec.Struct, frozen=True, kw_only=True):
    """One deal of the history. With contract 1, one closed position, as far as it tells."""

    ticket: int | None
    order: int | None
    position_id: int | None
    """The identifier of the position, never its ticket."""
    entry: str
    """IN, OUT, INOUT or OUT_BY."""
    type: str
    """BUY, SELL, BALANCE and so on, of the deal itself: a SELL closes a BUY."""
    reason: str
    symbol: str
    volume: Decimal
    price: Decimal
    profit: Decimal
    swap: Decimal | None
    commission: Decimal | None
    fee: Decimal | None
    comment: str
    magic: int | None
    time: datetime | None
    """Aware, UTC; None with contract 1, whose times have no known zone."""
    broker_time_msc: int | None
    """What the broker's clock said, in milliseconds as if it were UTC."""
    time_uncertain: bool | None = None
    """Whether the distance of the broker's clock on that day is not proven; None: not told."""
    told_time: str = ""
    """With contract 1: the time as it was told. Never for ordering."""


class ClosedPosition(msgspec.Struct, frozen=True, kw_only=True):
    """A position as contract 1 tells it once it is closed: what was closed within the time that
    was asked for. One that was opened before that has no entry, and of a part-closed one the
    earlier parts may be missing."""

    position_id: int
    symbol: str
    side: Side
    volume: Decimal
    """Lots, closed."""
    entry_price: Decimal | None
    exit_price: Decimal
    entry_time: str
    """By the clock of the broker or the VPS, in no known zone; empty when not told."""
    exit_time: str
    profit: Decimal
    commission: Decimal | None
    pips: Decimal | None
    tp_money: Decimal | None
    """The profit, where the take-profit ended it."""
    sl_money: Decimal | None


class DealsReading(msgspec.Struct, frozen=True):
    login: int
    server: str
    """Empty with contract 1."""
    deals: tuple[Deal, ...]
    """In the order of their tickets; with contract 1, of their positions."""
    closed: tuple[ClosedPosition, ...] = ()
    """With contract 1: the same, with all that it tells."""
    unreadable: tuple[Unreadable, ...] = ()
    """Listed as well, but of no known figures: with any, absence proves nothing."""


def unknown(message: str, body: bytes | Iterable[bytes] = b"") -> TradeAnswer:
    """It may have executed, or execute yet, for all that is known."""
    return TradeAnswer(outcome="unknown", message=clean(message, MESSAGE), received=received(body))


def received(body: bytes | Iterable[bytes]) -> str:
    whole = body if isinstance(body, bytes) else b"".join(body)
    return clean(whole[: 4 * RECEIVED].decode("utf-8", "replace"), RECEIVED)
