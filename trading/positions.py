"""Which of several positions a number names.

A broker may re-open a position under a new ticket, for example when it charges swaps, and a
netting account turns one round under the ticket of the order that turned it. Its identifier stays:
that is what its deals bear as `position_id`. Both come from the numbers that the server gives to
orders, each once: no ticket is ever the identifier of another position. (MQL5 reference,
POSITION_TICKET and POSITION_IDENTIFIER.)
"""

from collections.abc import Iterable
from typing import Protocol, TypeVar


class Numbered(Protocol):
    @property
    def ticket(self) -> int: ...
    @property
    def identifier(self) -> int | None:
        """None: not reported, as with contract 1."""


P = TypeVar("P", bound=Numbered)


def find(positions: Iterable[P], *numbers: int | None) -> P | None:
    """Return the position with one of these tickets, else with one of these identifiers. None when
    there is none."""
    known, held = set(numbers) - {None}, list(positions)
    by_ticket = (one for one in held if one.ticket in known)
    by_identifier = (one for one in held if one.identifier in known)
    return next(by_ticket, None) or next(by_identifier, None)
