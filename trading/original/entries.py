"""One entry of versus_data.json, field by field."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError

from accounts.agents import symbol_name
from accounts.models import Position
from mt5monitor.text import clean
from trading.history.trades import guess
from trading.models import Versus
from trading.original.strict import Skip, kind, login, number, quoted, words

ID_LENGTH = 64
WORDS = 240
PENDING = "pending"
LIVE = ("congelado", "transferido")
ENDED = ("completed", "error")


class Entry:
    """Each property raises Skip for what it cannot be."""

    def __init__(self, key: str, told: Any) -> None:
        self.key, self._told = key, told

    def check(self) -> None:
        if not self.told:
            raise Skip(f"must be an object that says something, not {kind(self._told)}")
        if not 0 < len(self.key) <= ID_LENGTH or clean(self.key, ID_LENGTH) != self.key:
            raise Skip("its id cannot be used")
        if self.told.get("id", self.key) != self.key:
            raise Skip(f"calls itself {quoted(self.told['id'])} inside")

    @property
    def told(self) -> Mapping[str, Any]:
        """Empty for what is no object, and then nothing but `check` is of use."""
        return self._told if isinstance(self._told, dict) else {}

    @property
    def status(self) -> str:
        status = words(self.told.get("status"), "status").casefold()
        if status not in (PENDING, *LIVE, *ENDED):
            raise Skip(f"its status {quoted(status)} is none of the original's")
        return status

    @property
    def numbers(self) -> tuple[int, int]:
        a, b = (login(self.told.get(f"account_{role}"), f"account_{role}") for role in "ab")
        if a == b:
            raise Skip("A and B are one account")
        return a, b

    @property
    def symbol(self) -> str:
        symbol = self.told.get("symbol")
        if not isinstance(symbol, str):
            raise Skip(f"symbol must be text, not {kind(symbol)}.")
        if symbol.isspace() or not symbol_name.is_name(symbol):
            raise Skip(f"{quoted(symbol)} is no symbol")
        return symbol

    @property
    def side(self) -> str:
        side = words(self.told.get("side"), "side").upper()
        if side not in Position.Side.values:
            raise Skip(f"its side {quoted(side)} is neither BUY nor SELL")
        return side

    @property
    def lots(self) -> Decimal:
        lots = number(self.told.get("lots"), "lots")
        if lots <= 0:
            raise Skip("lots must be more than 0")
        return fitting("lots", lots)

    # --- for the report: whatever is there ------------------------------------------------------
    @property
    def schedule(self) -> str:
        """What it was scheduled for, in the words of the file; empty for nothing."""
        steps = (("freeze", "scheduled_congelar"), ("transfer", "scheduled_transferir"))
        told = ((step, self.told.get(key)) for step, key in steps)
        return " and ".join(f"{step} at {_moment(at)}" for step, at in told if at)

    @property
    def created(self) -> str:
        """When, after a comma; empty for nothing."""
        at = self.told.get("created_at")
        return f", of {_moment(at)}" if at else ""

    @property
    def words(self) -> str:
        """What tells it from another one of the same account."""
        lots, accounts = self.told.get("lots"), [self.told.get(f"account_{role}") for role in "ab"]
        parts = [f"{lots} lots {self.told.get('symbol')}, {accounts[0]} {self.told.get('side')}"]
        parts.append(f"against {accounts[1]}{self.created}")
        if self.schedule:
            parts.append(f"scheduled to {self.schedule}")
        return clean(" ".join(parts), WORDS)

    @property
    def legs(self) -> str:
        """Accounts and tickets."""
        return " and ".join(self._leg(role) for role in "ab")

    @property
    def has_tickets(self) -> bool:
        return any(self.told.get(f"tickets_{role}") for role in "ab")

    def _leg(self, role: str) -> str:
        account = clean(str(self.told.get(f"account_{role}")), 20)
        tickets = self.told.get(f"tickets_{role}") or []
        shown = tickets if isinstance(tickets, list) else [tickets]
        numbers = ", ".join(clean(str(ticket), 20) for ticket in shown[:8])
        return f"account {account} ({'tickets ' + numbers if numbers else 'no tickets noted'})"


def _moment(told: Any) -> str:
    """A time of the original, to the second in UTC, which its naive times are; else as it stands
    there."""
    at = guess(told) if isinstance(told, str) else None
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at else clean(str(told), 40)


def fitting(column: str, value: Decimal) -> Decimal:
    """Raises Skip for what the column of Versus cannot hold as it is."""
    try:
        Versus._meta.get_field(column).clean(value, None)  # type: ignore[union-attr]
    except ValidationError as error:
        raise Skip(f"{column} {clean(str(value), 40)}: {' '.join(error.messages)}") from error
    return value
