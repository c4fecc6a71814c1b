"""The states of a versus, and which may follow which. Nothing else decides that.

PENDING -claim-> FREEZING [A BUY -> A SELL] -> FROZEN          (window passed -> MISSED)
  first leg fails -> CANCELLED;  second leg fails -> close the first -> COMPENSATED
FROZEN -claim-> TRANSFERRING [B half 1 -> B half 2 -> (pivot) close A's other leg -> A's SL and TP]
       -> TRANSFERRED -> COMPLETED when every leg is closed
  a half fails -> what was opened on B is closed -> FROZEN with the reason
  past the pivot only forward; SL and TP failing -> UNPROTECTED, tried again
a leg gone at the broker, or one too many -> DIVERGED;  close both -> CLOSING -> CLOSED
any end -an order of it is executed after all-> DIVERGED
on its way, in a database that was restored: it is unknown how far it came -> DIVERGED
"""

from django.db import models


class State(models.TextChoices):
    PENDING = "pending", "waiting to freeze"
    FREEZING = "freezing", "freezing"
    FROZEN = "frozen", "frozen"
    TRANSFERRING = "transferring", "transferring"
    UNPROTECTED = "unprotected", "without stops"
    TRANSFERRED = "transferred", "transferred"
    DIVERGED = "diverged", "out of balance"
    CLOSING = "closing", "closing all legs"
    COMPLETED = "completed", "completed"
    CLOSED = "closed", "closed by hand"
    COMPENSATED = "compensated", "undone"
    CANCELLED = "cancelled", "cancelled"
    MISSED = "missed", "missed"


ENDED = frozenset({State.COMPLETED, State.CLOSED, State.COMPENSATED, State.CANCELLED, State.MISSED})
# The driver has something to do there, or to notice.
DRIVEN = frozenset(
    {
        State.FREEZING,
        State.FROZEN,
        State.TRANSFERRING,
        State.UNPROTECTED,
        State.TRANSFERRED,
        State.DIVERGED,
        State.CLOSING,
    }
)
OPENING = frozenset({State.FREEZING, State.TRANSFERRING})
# Orders of it are to be sent, by the permission of whoever runs it.
ON_ITS_WAY = OPENING | {State.UNPROTECTED, State.CLOSING}
ALARMING = frozenset({State.UNPROTECTED, State.DIVERGED})

ALLOWED: dict[State, frozenset[State]] = {
    State.PENDING: frozenset({State.FREEZING, State.CANCELLED, State.MISSED}),
    State.FREEZING: frozenset({State.FROZEN, State.CANCELLED, State.COMPENSATED, State.DIVERGED}),
    State.FROZEN: frozenset({State.TRANSFERRING, State.DIVERGED, State.CLOSING}),
    State.TRANSFERRING: frozenset(
        {State.FROZEN, State.TRANSFERRED, State.UNPROTECTED, State.DIVERGED}
    ),
    State.UNPROTECTED: frozenset(
        {State.TRANSFERRED, State.COMPLETED, State.DIVERGED, State.CLOSING}
    ),
    State.TRANSFERRED: frozenset({State.COMPLETED, State.DIVERGED, State.CLOSING}),
    State.DIVERGED: frozenset({State.COMPLETED, State.CLOSING}),
    State.CLOSING: frozenset({State.CLOSED, State.DIVERGED}),
    **{state: frozenset({State.DIVERGED}) for state in ENDED},
}


class NotInDiagram(Exception):
    """A mistake of ours: nothing was changed."""


def check(old: str, new: str) -> None:
    """Raises NotInDiagram."""
    if State(new) not in ALLOWED[State(old)]:
        raise NotInDiagram(f"a versus that is {old} cannot become {new}")
