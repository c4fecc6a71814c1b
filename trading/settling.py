"""Settling an order by hand: what a person is warned of, and the outcome that they record."""

from collections.abc import Collection
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Q

from accounts.models import Position
from trading.journal import change
from trading.late_fills import unaccounted
from trading.models import Order
from trading.positions import find
from trading.reachability import unchecked
from trading.states import EXECUTED, LOCKING, WITHOUT_EXECUTION, State


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


def settle_by_hand(
    order: Order,
    user: Any,
    outcome: State,
    reason: str,
    position: int | None = None,
    disowned: Collection[int] = (),
) -> bool:
    """Ends an order that needs attention. `position`: the ticket of what it opened. `disowned`: of
    positions that could be its own, as the person was shown, and says that they are another's.

    Raises PermissionDenied, and ValueError without a reason, or without the position of a leg of a
    versus: one that it does not know would never be closed.
    """
    if not user.has_perm("trading.settle_order"):
        raise PermissionDenied
    if not reason.strip():
        raise ValueError("A reason is needed.")
    if order.state != State.NEEDS_ATTENTION or outcome in LOCKING:
        return False
    who = user.get_username()
    columns = _opened(order, position) if outcome in EXECUTED else {}
    if disowned:
        columns["data"] = {"disowned": sorted(disowned)}
    return change(order, outcome, reason.strip(), actor=who, settled_by=who, **columns)


def _opened(order: Order, position: int | None) -> dict[str, Any]:
    if order.kind != Order.Kind.OPEN:
        return {}
    ticket = position or order.position_ticket
    if ticket is None:
        if order.versus_id is not None:
            raise ValueError("Say which position it opened: its versus has to know its legs.")
        return {}
    held = find(Position.objects.named(ticket).filter(account=order.account_id), ticket)
    numbers = {ticket} if held is None else {ticket, held.ticket, held.identifier or ticket}
    known = Q(position_ticket__in=numbers) | Q(position_identifier__in=numbers)
    known |= Q(position_ticket=None, order_ticket__in=numbers)
    others = Order.objects.filter(known, account=order.account_id, kind=Order.Kind.OPEN)
    if others.filter(state__in=EXECUTED).exclude(pk=order.pk).exists():
        raise ValueError(f"Position #{ticket} was opened by another order.")
    if held is not None and not _may_have_opened(order, held):
        raise ValueError(f"Position #{ticket} is {held}: that is not what “{order.words}” opens.")
    if held is None:
        return {"position_ticket": ticket}
    return {"position_ticket": held.ticket, "position_identifier": held.identifier}


def _may_have_opened(order: Order, held: Position) -> bool:
    alike = (held.symbol, held.side) == (order.symbol, order.side)
    return alike and (order.volume is None or held.volume <= order.volume)
