"""What an agent said, parsed at the door: frozen, typed, complete or not there at all.

Money and volumes have at most eight decimals, prices at most twelve, and all of them at most 15
digits. None is unknown, never zero; an empty string is "not told".
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

from accounts.agents.listed import Unreadable


class Endpoint(msgspec.Struct, frozen=True):
    """What is needed to talk to one agent; the caller builds it from its Agent row."""

    id: int
    name: str
    url: str
    contract: str
    """ "1" or "2"."""
    secret: bytes | None = None
    etag: str | None = None
    """The ETag of the last reading that the caller still holds, contract 2 only."""

    def __repr__(self) -> str:
        return f"Endpoint({self.id}, {self.name!r}, {self.url!r}, contract {self.contract})"


class PositionReading(msgspec.Struct, frozen=True):
    ticket: int
    symbol: str
    side: Literal["BUY", "SELL"]
    volume: Decimal
    open_price: Decimal
    current_price: Decimal
    sl: Decimal | None
    tp: Decimal | None
    profit: Decimal
    swap: Decimal
    commission: Decimal | None
    opened_at: datetime | None
    """Aware, UTC; None with contract 1, whose times have no known zone."""
    comment: str
    magic: int | None
    identifier: int | None = None
    """Stays when the broker re-opens the position under another ticket; None with contract 1."""


class AccountReading(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    name: str
    balance: Decimal
    connected: bool
    has_open_position: bool
    positions: tuple[PositionReading, ...] | None
    """None is unknown, not flat; then `positions_error` says why."""
    unreadable: tuple[Unreadable, ...] = ()
    """Open as well, but of no known figures: neither flat nor among `positions`."""
    positions_error: str = ""
    equity: Decimal | None = None
    floating: Decimal | None = None
    """Profit and swap of the open positions together."""
    margin: Decimal | None = None
    margin_free: Decimal | None = None
    credit: Decimal | None = None
    server: str = ""
    company: str = ""
    currency: str = ""
    currency_digits: int | None = None
    """Decimals of its money."""
    leverage: int | None = None
    margin_mode: Literal["hedging", "netting", ""] = ""
    trade_allowed: bool | None = None
    days_operating: int | None = None
    holder: str = ""
    firm: str = ""
    initial_balance: Decimal | None = None

    @property
    def is_whole(self) -> bool:
        """Whether `positions` are all that are open: only then does absence mean anything."""
        return self.positions is not None and not self.unreadable


class Reading(msgspec.Struct, frozen=True):
    """One answer of one agent, taken at one time."""

    accounts: tuple[AccountReading, ...]
    is_list: bool
    """The agent answered with a list, as older ones do."""
    etag: str | None = None
