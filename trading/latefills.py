"""Orders that ended without execution and were executed after all: found, and told loudly.

A mark at an open position is seen in what is read of every account anyway. What was closed again
since, and what closes a position, shows in the history only: agents of contract 2 are asked for it,
a few times and ever more rarely. Contract 1 tells no marks, so nothing of this is seen there.
"""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from accounts.agents import AgentError
from accounts.models import Agent, Position
from trading import wire
from trading.diagram import WITHOUT_EXECUTION, State
from trading.evidence import dealt
from trading.journal import change
from trading.models import Order
from trading.outcomes import poll_soon

log = logging.getLogger(__name__)

WITHIN = timedelta(days=2)  # after it was placed
# After its end; each is one call, made up for when nobody could make it in time.
LOOKS = (timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6))
AT_ONCE = 3  # a round: an agent that does not answer takes seconds


def raise_late_fills(now: datetime) -> int:
    """How many orders turned out to be executed. Harmless when several do it at once."""
    return sum(map(_raise_held, _held(now))) + sum(_look(order, now) for order in due(now))


def _ended(now: datetime) -> QuerySet[Order]:
    """Without execution, though they were claimed. Few, and found by the time of their placing."""
    return Order.objects.filter(
        state__in=WITHOUT_EXECUTION, claimed_at__isnull=False, placed_at__gt=now - WITHIN
    )


def _held(now: datetime) -> QuerySet[Order]:
    marked = Position.objects.filter(
        Q(magic=OuterRef("magic")) | Q(comment=OuterRef("tag")), account=OuterRef("account")
    )
    return _ended(now).filter(Exists(marked), kind=Order.Kind.OPEN)


def _raise_held(order: Order) -> bool:
    marks = Q(magic=order.magic) | Q(comment=order.tag)
    position = Position.objects.filter(marks, account=order.account_id).first()
    if position is None:  # closed since
        return False
    return _raise(
        order,
        f"It was executed after all: its mark stands at the open position #{position.ticket}.",
        filled_volume=position.volume,
        price=position.open_price,
        position_ticket=position.ticket,
    )


def due(now: datetime) -> list[Order]:
    """Those whose history is to be looked at now."""
    late = Q()
    for after in LOOKS:
        unseen = Q(looked_at=None) | Q(looked_at__lt=F("ended_at") + after)
        late |= Q(ended_at__lte=now - after) & unseen
    # One that is away would take a worker for seconds; it is asked once it is back.
    orders = _ended(now).filter(late, contract="2", agent__status=Agent.Status.ONLINE)
    orders = orders.filter(agent__enabled=True).exclude(kind=Order.Kind.MODIFY)  # leaves no deal
    return list(orders.select_related("agent").order_by("looked_at", "pk")[:AT_ONCE])


def _look(order: Order, now: datetime) -> bool:
    if not Order.objects.filter(pk=order.pk, looked_at=order.looked_at).update(looked_at=now):
        return False
    try:
        found = dealt(order, wire.deals(order))
    except (AgentError, TimeoutError) as error:
        log.info("Order %s could not be looked for once more: %s", order.tag, error)
        return False
    if found is None:
        return False
    return _raise(
        order,
        f"It was executed after all. {found.text}",
        data=found.shown,
        filled_volume=found.volume,
        price=found.price,
        position_ticket=found.position,
    )


def _raise(order: Order, text: str, **columns: Any) -> bool:
    before = order.state
    if not change(order, State.LATE_FILL, text, **columns):
        return False
    log.error("Order %s was %s, and was executed after all", order.tag, before)
    poll_soon(order)
    return True
