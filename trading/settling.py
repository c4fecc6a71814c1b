"""What a person is warned of before settling an order by hand."""

from datetime import datetime

from django.utils import timezone

from accounts.models import Position
from trading.late_fills import unaccounted
from trading.models import Order
from trading.states import LOCKING, WITHOUT_EXECUTION, State

UNREACHABLE = (
    "The agent cannot be reached, so the monitor cannot check what the account holds. Look at the "
    "MT5 terminal, or wait until the agent is back."
)


def warnings(order: Order, outcome: State | None = None) -> list[str]:
    """Return what the person has to acknowledge, sentence by sentence; empty when nothing stands
    against it. `outcome` None: not chosen yet."""
    told = [text for text in [unchecked(order)] if text]
    if outcome in WITHOUT_EXECUTION and (found := could_be(order)):
        which = ", ".join(f"#{position.ticket}" for position in found)
        told.append(
            f"This order may have opened {which}: it is new since the order was sent. Confirm only "
            "if you know that something else opened it."
        )
    return told


def unchecked(order: Order, now: datetime | None = None) -> str:
    """Return why nothing that the monitor shows can confirm the outcome of an order that waits for
    it; empty when its account is being read."""
    if order.state not in LOCKING or order.state == State.SENDING:
        return ""
    return UNREACHABLE if order.account.is_stale(now or timezone.now()) else ""


def could_be(order: Order) -> list[Position]:
    """Return the positions that an opening over contract 1 may have made, by the last reading."""
    is_new = order.contract == "1" and order.kind == Order.Kind.OPEN
    return unaccounted(order) if is_new and order.tickets_before is not None else []
