"""What a person is warned of before settling an order by hand."""

from accounts.models import Position
from trading.late_fills import unaccounted
from trading.models import Order
from trading.reachability import unchecked
from trading.states import WITHOUT_EXECUTION, State


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


def could_be(order: Order) -> list[Position]:
    """Return the positions that an opening over contract 1 may have made, by the last reading."""
    is_new = order.contract == "1" and order.kind == Order.Kind.OPEN
    return unaccounted(order) if is_new and order.tickets_before is not None else []
