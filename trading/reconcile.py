"""Goes on wherever an order was left: expires, gives up waiting, looks for what became of it.

Starting up is recovering: `tend` is run by Celery beat every second, by any number of workers, any
number of times. Each step is claimed by a conditional UPDATE, so two at once do no harm.
"""

import logging
import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from accounts.agents import CLOCK_SKEW, AgentError, OrderRecord, client
from accounts.models import Agent
from mt5monitor.clock import CLOCKS_DIFFER, is_ahead
from mt5monitor.database import each
from trading import wire
from trading.evidence import Finding, closed, proposal, weigh
from trading.journal import append, change
from trading.late_fills import raise_late_fills
from trading.models import Order
from trading.orders import TOO_LATE
from trading.outcomes import poll_soon, settle
from trading.states import State

log = logging.getLogger(__name__)

GRACE = timedelta(seconds=5)  # after the deadline of a send, for the sender to write it down
# After it expired: an agent goes by its own clock, which may be behind ours by as much as a
# signature allows, and the broker needs a moment to show what it took.
SETTLING = timedelta(seconds=CLOCK_SKEW + 5)
LOOK_EVERY = timedelta(seconds=2)
LOOK_RARELY = timedelta(seconds=30)  # once a person was asked
# Then, of an agent that does not answer: each look takes a worker for seconds, and there may be as
# many of them as the fleet has accounts.
LOOK_SELDOM = timedelta(minutes=5)
ATTENTION_AFTER = timedelta(seconds=60)
OVERDUE_AFTER = 2 * ATTENTION_AFTER  # when no look at all came to an end
ABSENCES_NEEDED = 2


def tend() -> int:
    """One round; returns how many orders were touched."""
    now = timezone.now()
    touched = expire(now) + give_up(now) + call_for_help(now)
    touched += each(due(now), look, log, "Order %s could not be looked for")
    return touched + raise_late_fills(now)


def expire(now: datetime) -> int:
    set_back = Q(placed_at__gt=now + CLOCKS_DIFFER)
    late = Order.objects.filter(Q(valid_until__lte=now) | set_back, state=State.QUEUED)
    return _each(late, State.EXPIRED, TOO_LATE)


def give_up(now: datetime) -> int:
    """Orders whose sender has died, or never wrote down what it heard."""
    set_back = Q(claimed_at__gt=now + CLOCKS_DIFFER)
    late = Order.objects.filter(Q(deadline__lte=now - GRACE) | set_back, state=State.SENDING)
    lost = [order for order in late if not is_ahead(order.claimed_at, now) or _is_overdue(order)]
    text = "No answer was written down in time; the monitor looks for the outcome."
    return _each(lost, State.UNKNOWN, text)


# When this process found them first, of time.monotonic(): orders that are under way, and were
# claimed before the clock was set back.
_found: dict[int, float] = {}


def _is_overdue(order: Order) -> bool:
    """Whether its deadline has passed since it was found: its own is by a clock that was set."""
    patience = client().limits.trade_deadline + GRACE.total_seconds()
    since = _found.setdefault(order.pk, time.monotonic())
    is_over = time.monotonic() - since >= patience
    if is_over:
        del _found[order.pk]
    return is_over


def call_for_help(now: datetime) -> int:
    """Orders that nobody could even look for: whatever fails here, a person is asked."""
    set_back = Q(unknown_at__gt=now + CLOCKS_DIFFER)
    waiting = Order.objects.filter(state=State.UNKNOWN)
    found = waiting.filter(Q(unknown_at__lte=now - OVERDUE_AFTER) | set_back)
    stuck = [order for order in found if not _waits_anew(order, now)]
    text = "The monitor failed to find out what became of it. Look at the terminal."
    return _each(stuck, State.NEEDS_ATTENTION, text)


def _each(orders: Iterable[Order], to: State, text: str) -> int:
    """One whose row is locked is changed by a later round; it holds up none of the others."""
    return each(orders, lambda one: change(one, to, text), log, f"Order %s did not become {to}")


def _waits_anew(order: Order, now: datetime) -> bool:
    """One that became unknown before the clock was set back waits from now on."""
    if not is_ahead(order.unknown_at, now):
        return False
    row = Order.objects.filter(pk=order.pk, state=order.state, unknown_at=order.unknown_at)
    return bool(row.update(unknown_at=now))


def due(now: datetime) -> list[Order]:
    never = Q(looked_at=None) | Q(looked_at__gt=now + CLOCKS_DIFFER)  # or before it was set back
    unknown = Q(state=State.UNKNOWN) & (never | Q(looked_at__lte=now - LOOK_EVERY))
    asked = Q(state=State.NEEDS_ATTENTION)
    answers = Q(agent__status=Agent.Status.ONLINE, looked_at__lte=now - LOOK_RARELY)
    asked &= never | Q(looked_at__lte=now - LOOK_SELDOM) | answers
    orders = Order.objects.filter(unknown | asked).select_related("agent", "account")
    return list(orders.order_by("claimed_at"))


def look(order: Order) -> bool:
    """Looks once for what became of it; whether this call, and no other, did."""
    now = timezone.now()
    before = order.looked_at
    if not Order.objects.filter(pk=order.pk, looked_at=before).update(looked_at=now):
        return False
    order.looked_at = now
    finding = _find(order)
    if finding is not None:
        _conclude(order, finding, now)
    elif order.state == State.UNKNOWN and _waited(order, now):
        text = "The agent could not be asked what became of it. Look at the terminal."
        change(order, State.NEEDS_ATTENTION, text)
    return True


def _find(order: Order) -> Finding | None:
    """None when nothing could be learned, because the agent did not answer."""
    try:
        if order.contract == "2":
            return _find_by_mark(order)
        return _find_by_difference(order)
    except AgentError as error:
        _note(order, f"Looking for it failed: {error.sentence}")
    except TimeoutError:
        _note(order, "Looking for it failed: the agent did not answer in time.")
    return None


def _note(order: Order, text: str) -> None:
    """Once for the same again and again: an agent may be away for days."""
    last = order.events.filter(state="").order_by("-pk").first()
    if last is None or last.text != text:
        append(order, text)


def _find_by_mark(order: Order) -> Finding | None:
    record = wire.record(order)
    if record.state == "ended" and record.answer and record.answer.outcome != "unknown":
        if settle(order, record.answer):
            poll_soon(order)
        return None
    if record.state == "executing":
        return Finding(None, "The agent is still executing it.")
    account, told = wire.read_account(order), wire.deals_reading(order)
    found = weigh(order, account, told.deals)
    if found.absent and (told.unreadable or not _never_taken(order, record)):
        return Finding(None, found.text)
    if found.state == State.PARTIAL and told.unreadable:
        # The rest of it may be the deal that could not be read.
        return Finding(None, found.text, shown=found.shown)
    return found


def _never_taken(order: Order, record: OrderRecord) -> bool:
    """Whether the agent never took it; that nothing shows of one that it took is no proof, nor is
    a journal that was begun after the order was sent."""
    began = record.journal_since
    return (
        record.state == "unknown-tag"
        and began is not None
        and order.claimed_at is not None
        and began < order.claimed_at
    )


def _find_by_difference(order: Order) -> Finding | None:
    """Contract 1 knows no marks: which position an open made is shown to a person, who decides."""
    account = wire.read_account(order)
    if account.positions is None:
        return None
    found = proposal(order, account)
    return (_in_history(order) or found) if found.absent else found


def _in_history(order: Order) -> Finding | None:
    """None also when it cannot be read: it only adds to what the positions say."""
    try:
        return closed(order, wire.deals(order))
    except (AgentError, TimeoutError):
        return None


def _conclude(order: Order, finding: Finding, now: datetime) -> None:
    if order.absences and not finding.absent:  # two that count are in a row
        Order.objects.filter(pk=order.pk).update(absences=0)
    if finding.state is not None:
        changed = change(
            order,
            finding.state,
            finding.text,
            data=finding.shown,
            filled_volume=finding.volume,
            price=finding.price,
            **finding.opened,
        )
        if changed:
            poll_soon(order)
    elif finding.absent and _counts(order, finding, now):
        _count_absence(order, finding)
    elif order.state == State.UNKNOWN and (_is_for_a_person(order) or _waited(order, now)):
        change(order, State.NEEDS_ATTENTION, finding.text, data=finding.shown)


def _is_for_a_person(order: Order) -> bool:
    """At once: nothing that contract 1 may still show would prove which position is the order's."""
    return order.contract == "1" and order.kind == Order.Kind.OPEN


def _counts(order: Order, finding: Finding, now: datetime) -> bool:
    """Whether absence counts yet: once an agent of contract 2 would not execute it any more. With
    contract 1 a late execution does no harm, for what is gone cannot be closed or modified; but a
    terminal that starts, as when it lost our answer, may show no positions for a while."""
    if order.contract == "1":
        in_history = finding.price is not None
        return in_history or now > (order.deadline or order.valid_until) + SETTLING
    return now > order.valid_until + SETTLING


def _count_absence(order: Order, finding: Finding) -> None:
    absences = order.absences + 1
    if absences >= ABSENCES_NEEDED:
        _settle_absent(order, finding, absences)
        return
    Order.objects.filter(pk=order.pk, absences=order.absences).update(absences=absences)
    append(order, finding.text)


def _settle_absent(order: Order, finding: Finding, absences: int) -> None:
    """With contract 1 nothing says what closed the position, so no execution is claimed."""
    columns: dict[str, Any] = {"absences": absences}
    if order.contract == "1":
        text, to = f"{finding.text} {absences} readings agree.", State.CLOSED_EXTERNALLY
        columns |= {"price": finding.price} if order.kind == Order.Kind.CLOSE else {}
    else:
        text = f"It was not executed: seen by {absences} readings, and it has expired at the agent."
        to = State.NOT_EXECUTED
    if change(order, to, text, **columns):
        poll_soon(order)


def _waited(order: Order, now: datetime) -> bool:
    return now > (order.unknown_at or order.placed_at) + ATTENTION_AFTER
