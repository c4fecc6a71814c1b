"""The states of an order, and which may follow which. Nothing else decides that.

new -> QUEUED | DENIED
QUEUED -claim-> SENDING, or EXPIRED | CANCELLED | DENIED
QUEUED -in a database that was restored: it may have been sent since-> UNKNOWN
SENDING -> NOT_SENT | REJECTED | FILLED | PARTIAL | CLOSED_EXTERNALLY, all else UNKNOWN
UNKNOWN -proof-> REJECTED | FILLED | PARTIAL | CLOSED_EXTERNALLY | NOT_EXECUTED
UNKNOWN -no proof in time-> NEEDS_ATTENTION -proof, or a person-> the same ends
an end without execution -the order's mark is seen at the broker after all-> LATE_FILL
"""

from django.db import models


class State(models.TextChoices):
    QUEUED = "queued", "queued"
    SENDING = "sending", "sending"
    UNKNOWN = "unknown", "outcome unknown"
    NEEDS_ATTENTION = "needs-attention", "needs attention"
    DENIED = "denied", "denied"
    EXPIRED = "expired", "expired"
    CANCELLED = "cancelled", "cancelled"
    NOT_SENT = "not-sent", "not sent"
    REJECTED = "rejected", "rejected"
    NOT_EXECUTED = "not-executed", "not executed"
    CLOSED_EXTERNALLY = "closed-externally", "closed elsewhere"
    FILLED = "filled", "done"
    PARTIAL = "partial", "done in part"
    LATE_FILL = "late-fill", "executed after all"


LOST = frozenset({State.UNKNOWN, State.NEEDS_ATTENTION})  # what became of it at the broker
UNDER_WAY = frozenset({State.QUEUED, State.SENDING})
LOCKING = LOST | {State.SENDING}
OPEN = LOST | UNDER_WAY
# Ended, and nothing happened at the broker, as far as is known: what closed a position without our
# knowing, with contract 1, may have been our own order.
WITHOUT_EXECUTION = frozenset(
    {
        State.DENIED,
        State.EXPIRED,
        State.CANCELLED,
        State.NOT_SENT,
        State.REJECTED,
        State.NOT_EXECUTED,
        State.CLOSED_EXTERNALLY,
    }
)
EXECUTED = frozenset({State.FILLED, State.PARTIAL, State.LATE_FILL})
_PROVEN = frozenset(
    {State.FILLED, State.PARTIAL, State.REJECTED, State.CLOSED_EXTERNALLY, State.NOT_EXECUTED}
)

ALLOWED: dict[State, frozenset[State]] = {
    State.QUEUED: frozenset(
        {State.SENDING, State.EXPIRED, State.CANCELLED, State.DENIED, State.UNKNOWN}
    ),
    State.SENDING: frozenset(
        {
            State.NOT_SENT,
            State.REJECTED,
            State.FILLED,
            State.PARTIAL,
            State.CLOSED_EXTERNALLY,
            State.UNKNOWN,
        }
    ),
    State.UNKNOWN: _PROVEN | {State.NEEDS_ATTENTION},
    State.NEEDS_ATTENTION: _PROVEN,
    **{state: frozenset({State.LATE_FILL}) for state in WITHOUT_EXECUTION},
    State.FILLED: frozenset(),
    State.PARTIAL: frozenset(),
    State.LATE_FILL: frozenset(),
}


class NotInDiagram(Exception):
    """A mistake of ours: nothing was changed."""


def check(old: str, new: str) -> None:
    """Raises NotInDiagram."""
    if State(new) not in ALLOWED[State(old)]:
        raise NotInDiagram(f"an order that is {old} cannot become {new}")
