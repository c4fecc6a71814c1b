"""The account of a settled order, read before whoever sent the order is answered.

The next request of the same program then finds the trade in the rows. Only the agent that traded is
asked, once; again only while it does not show the trade yet. A reading that began before the trade
cannot take it away again: see Writes.hold. Nothing that fails here changes what became of an order.
"""

import logging
import time
from collections.abc import Iterable

from accounts import polling
from accounts.models import Agent, Position
from mt5monitor.database import reconnect
from trading import orders
from trading.models import Order
from trading.outcomes import poll_soon
from trading.positions import find
from trading.states import EXECUTED, State

log = logging.getLogger(__name__)
WAIT_S = 3.0  # of an agent that hangs: the outcome is known, and is not held back for longer
# A terminal may list a position a moment after the broker has confirmed it.
PAUSES_S = (0.0, 0.05, 0.15)
SHOWS = EXECUTED | {State.CLOSED_EXTERNALLY}


def send(order: Order) -> Order:
    """As orders.send, for somebody who waits: what has happened is in the rows when it returns."""
    is_new = not order.is_ended
    order = orders.send(order)
    if is_new:
        show([order])
    return order


def show(settled: Iterable[Order]) -> None:
    """Reads each account of these orders on which something has happened."""
    by_account: dict[int, list[Order]] = {}
    for order in settled:
        if order.state in SHOWS:
            by_account.setdefault(order.account_id, []).append(order)
    for pk, happened in by_account.items():
        try:
            _show(pk, happened)
        except Exception:
            # One account: what became of its orders is known, and is told all the same.
            log.exception("The account of order %s could not be read again", happened[-1].tag)
            reconnect()


def _show(account: int, happened: list[Order]) -> None:
    until = time.monotonic() + WAIT_S
    for pause in PAUSES_S:
        time.sleep(pause)
        agent = Agent.objects.filter(accounts=account, enabled=True).first()
        outcome = agent and polling.read_again(agent, until - time.monotonic())
        if not outcome or not outcome.ok:
            poll_soon(happened[-1])
            return
        rows = list(Position.objects.filter(account=account))
        if all(is_shown(order, rows) for order in _last_of_each(happened)):
            return


def _last_of_each(happened: Iterable[Order]) -> Iterable[Order]:
    """Of each position the last thing that happened to it."""
    in_turn = sorted(happened, key=lambda order: order.pk)
    return {order.position or opened_by(order): order for order in in_turn}.values()


def opened_by(order: Order) -> int | None:
    """The ticket of what it opened, as far as the agent told it."""
    return order.position_ticket or order.order_ticket


def is_shown(order: Order, held: Iterable[Position]) -> bool:
    """Whether these positions can be those after the order. True where that cannot be
    seen: of a part that was closed, and where the ticket of what was opened is not known."""
    if order.kind == Order.Kind.OPEN:
        ticket = opened_by(order)
        return ticket is None or find(held, ticket) is not None
    position = find(held, order.position)
    if order.kind == Order.Kind.MODIFY:
        return position is None or (position.sl, position.tp) == (order.sl, order.tp)
    return position is None or order.volume is not None or order.state == State.PARTIAL
