"""Orders that ended without execution and were executed after all: found, and told loudly.

A mark at an open position is seen in what is read of every account anyway. What was closed again
since, and what closes a position, shows in the history only: agents of contract 2 are asked for it,
a few times and ever more rarely.

Contract 1 has no marks and no times that can be trusted. There a new position of the same symbol,
side and lots that no other order accounts for is taken for a late fill when it is seen within
WATCHED of the order's end, or in the first reading after that where the agent was away. A person
who opens the same by hand at the terminal raises a false alarm, which costs one look; so it is kept
to the same lots and to a short time. What was closed before it was seen is not noticed, nor is a
late close.
"""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from accounts.agents import AgentError
from accounts.models import Agent, Position
from mt5monitor.clock import CLOCKS_DIFFER
from mt5monitor.database import each
from trading import wire
from trading.evidence import dealt
from trading.journal import change
from trading.models import Order
from trading.outcomes import poll_soon
from trading.states import EXECUTED, LOCKING, WITHOUT_EXECUTION, State

log = logging.getLogger(__name__)

WITHIN = timedelta(days=2)  # after it was placed
# After its end; each is one call, made up for when nobody could make it in time.
LOOKS = (timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6))
# An agent of contract 1 executes what waits for its turn, one after another, whoever gave it up.
WATCHED = timedelta(minutes=10)
AT_ONCE = 3  # a round: an agent that does not answer takes seconds


def raise_late_fills(now: datetime) -> int:
    """How many orders turned out to be executed. Harmless when several do it at once."""
    failed = "Order %s could not be looked for once more"
    looked = each(due(now), lambda order: _look(order, now), log, failed)
    new = each(watched(now), lambda order: _look_for_new(order, now), log, failed)
    return each(_held(now), _raise_held, log, failed) + looked + new


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
        position_identifier=position.identifier,
    )


def due(now: datetime) -> list[Order]:
    """Those whose history is to be looked at now."""
    late = Q()
    for after in LOOKS:
        unseen = Q(looked_at=None) | Q(looked_at__lt=F("ended_at") + after)
        late |= Q(ended_at__lte=now - after) & unseen
    # Ended before the clock was set back: every now and then until its time has come once more.
    ahead = now + CLOCKS_DIFFER
    unseen = Q(looked_at=None) | Q(looked_at__lt=now - LOOKS[0]) | Q(looked_at__gt=ahead)
    late |= Q(ended_at__gt=ahead) & unseen
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
        **found.opened,
    )


# --- contract 1 ---------------------------------------------------------------------------------
def watched(now: datetime) -> list[Order]:
    """Openings whose account was read since they ended. Where several may have opened a position it
    goes to the first: one whose answer was lost, and of those the last that was sent."""
    unfinished = Q(looked_at=None) | Q(looked_at__lt=F("ended_at") + WATCHED)
    orders = _ended(now).filter(unfinished, contract="1", kind=Order.Kind.OPEN)
    orders = orders.filter(  # nothing was sent of one before which the account was not read
        tickets_before__isnull=False,
        account__open_positions__isnull=False,
        account__positions_error="",
        account__agent__last_seen_at__gt=F("ended_at"),
    )
    lost_first = F("unknown_at").desc(nulls_last=True)
    return list(orders.select_related("account__agent").order_by(lost_first, "-claimed_at"))


def _look_for_new(order: Order, now: datetime) -> bool:
    """Until a reading from after the time in which it is watched was looked at."""
    new = _new(order)
    # After the positions: one that was sent and shown meanwhile is locking still, or its fill is
    # in its row by now.
    if _alike(order).filter(state__in=LOCKING).exists():
        return False  # whose it may be as well: wait until its outcome is known
    if found := _of_no_other(order, new):
        return _raise_new(order, found)
    seen, whole = order.account.seen_at, not order.account.unreadable_positions
    is_over = seen is not None and order.ended_at and seen > order.ended_at + WATCHED
    if is_over and whole:
        Order.objects.filter(pk=order.pk, state=order.state).update(looked_at=now)
    return False


def _alike(order: Order) -> QuerySet[Order]:
    """Other openings of the account, of the same symbol and side."""
    orders = Order.objects.filter(account=order.account_id, kind=Order.Kind.OPEN)
    return orders.filter(symbol=order.symbol, side=order.side).exclude(pk=order.pk)


def unaccounted(order: Order) -> list[Position]:
    """Positions like an opening over contract 1 that are new since it was sent, that no other order
    opened, and that no person knew when settling it."""
    return _of_no_other(order, _new(order))


def _new(order: Order) -> list[Position]:
    like = {"symbol": order.symbol, "side": order.side, "volume": order.volume}
    before = {*(order.tickets_before or ()), *_disowned(order)}
    return [p for p in order.account.positions.filter(**like) if p.ticket not in before]


def _of_no_other(order: Order, new: list[Position]) -> list[Position]:
    if not new:
        return []
    executed, tickets = _alike(order).filter(state__in=EXECUTED), [p.ticket for p in new]
    ours = executed.filter(Q(position_ticket__in=tickets) | Q(order_ticket__in=tickets))
    known = {
        ticket for row in ours.values_list("position_ticket", "order_ticket") for ticket in row
    }
    new = [position for position in new if position.ticket not in known]
    # One that a person settled as executed without its ticket: one of them is its position.
    nameless = executed.filter(position_ticket=None, order_ticket=None)
    return new if len(new) > nameless.filter(claimed_at__gt=order.claimed_at).count() else []


def _disowned(order: Order) -> list[int]:
    """Tickets that the person who settled it was shown, and said to be another's."""
    settled = order.events.filter(state=order.state).order_by("-pk").first()
    data = settled.data if settled is not None else None
    return data.get("disowned", []) if isinstance(data, dict) else []


def _raise_new(order: Order, found: list[Position]) -> bool:
    since = {"claimed_at__isnull": False, "ended_at__gt": order.placed_at - WATCHED}
    like = {"state__in": WITHOUT_EXECUTION, "contract": "1", "volume": order.volume}
    twins = _alike(order).filter(**like, **since).exists()
    which = ", ".join(str(position) for position in found[:5])
    match = "A new position matches" if len(found) == 1 else f"{len(found)} new positions match"
    more = " Another order that ended without execution matches too." if twins else ""
    text = f"{match} it: {which}. Check at the terminal whether a person opened it by hand.{more}"
    columns: dict[str, Any] = {"data": [position.ticket for position in found]}
    if len(found) == 1:
        columns |= {"filled_volume": found[0].volume, "price": found[0].open_price}
        columns |= {"position_ticket": found[0].ticket}
    return _raise(order, f"It may have been executed after all. {text}", **columns)


def _raise(order: Order, text: str, **columns: Any) -> bool:
    before = order.state
    if not change(order, State.LATE_FILL, text, **columns):
        return False
    log.error("Order %s was %s, and was executed after all", order.tag, before)
    poll_soon(order)
    return True
