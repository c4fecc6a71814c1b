"""The one function that changes the state of an order, and writes the step into the journal."""

import logging
from typing import Any

from django.db import models, transaction
from django.utils import timezone

from accounts.live.publishing import publish_accounts
from trading.events import publish_order
from trading.models import Order, OrderEvent
from trading.states import OPEN, State, check

REASON_LENGTH = 500
LEVELS: dict[str, int] = {
    State.UNKNOWN: logging.WARNING,
    State.NEEDS_ATTENTION: logging.ERROR,
    State.LATE_FILL: logging.ERROR,
    State.DENIED: logging.WARNING,
    State.REJECTED: logging.WARNING,
    State.NOT_SENT: logging.WARNING,
}
operations = logging.getLogger("operations")


def change(
    order: Order,
    to: State,
    text: str,
    *,
    among: "models.QuerySet[Order] | None" = None,
    actor: str = "",
    data: Any = None,
    **columns: Any,
) -> bool:
    """Moves `order` along the diagram and appends the step, both or neither; shown after commit.

    Returns whether this call did it: False when the row was no longer as it is here, or is not
    `among` those that may be changed. Raises NotInDiagram.
    """
    check(order.state, to)
    now = timezone.now()
    columns |= {"state": to, "reason": text[:REASON_LENGTH]}
    if to not in OPEN:
        columns["ended_at"] = now
    if to == State.UNKNOWN:
        columns["unknown_at"] = now
    # The state is a condition on the row itself, never inside of a subquery: PostgreSQL looks at
    # the row again once it has waited for its lock, but not at what a subquery saw before.
    row = Order.objects.filter(pk=order.pk, state=order.state)
    if among is not None:
        row = row.filter(pk__in=among.values("pk"))
    with transaction.atomic():
        if not row.update(**columns):
            return False
        append(order, text, state=to, actor=actor, data=data)
        publish_accounts([order.login])
        if to not in OPEN:
            publish_order(order)
    for name, value in columns.items():
        setattr(order, name, value)
    _tell(order, text)
    return True


def _tell(order: Order, text: str) -> None:
    about = {"account": order.login, "agent": order.agent_name}
    told = (order.words, order.login, order.get_state_display(), text)
    operations.log(
        LEVELS.get(order.state, logging.INFO), "Order %s on %s: %s. %s", *told, extra=about
    )


def append(
    order: Order, text: str, *, state: str = "", actor: str = "", data: Any = None
) -> OrderEvent:
    """A step that changes no state, such as a look for what became of the order."""
    return OrderEvent.objects.create(
        order=order,
        at=timezone.now(),
        state=state,
        text=text[:REASON_LENGTH],
        actor=actor,
        data=data,
    )
