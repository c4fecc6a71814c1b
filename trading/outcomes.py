"""What an agent's answer makes of an order."""

import asyncio
import logging
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from accounts.agents import TradeAnswer
from accounts.models import Agent, Position
from mt5monitor import loop
from mt5monitor.celery import app
from mt5monitor.database import FAULTS, reconnect
from mt5monitor.database import words as said
from trading.journal import append, change
from trading.models import Order
from trading.retcodes import FIFO_CLOSE, explain
from trading.states import ALLOWED, LOST, State

log = logging.getLogger(__name__)

SENDER_READS = timedelta(seconds=2)  # the poller leaves it the time, and looks again after it

STATES = {
    "done": State.FILLED,
    "partial": State.PARTIAL,
    "rejected": State.REJECTED,
    "unknown": State.UNKNOWN,
}


def settle(order: Order, answer: TradeAnswer) -> bool:
    """Ends the order as the answer says, if its state still allows; returns whether it did.

    An answer that comes after the order was given up as unknown still counts: it is proof. Whoever
    sent the order has its account read (readback.py); should that fail, the poller does soon.
    """
    is_gone = answer.external and answer.outcome != "unknown"
    to = State.CLOSED_EXTERNALLY if is_gone else STATES[answer.outcome]
    received = msgspec.to_builtins(answer)
    while to in ALLOWED[State(order.state)]:
        if change(order, to, words(order, answer), data=received, **columns(answer)):
            _poll(order, timezone.now() + SENDER_READS)
            return True
        order.refresh_from_db()
    if order.events.filter(state=to, data=received).exists():
        return True  # it was committed already, and the connection broke before that was heard
    append(order, "An answer came that changes nothing any more.", data=received)
    return False


def settle_unsent(order: Order, why: str) -> None:
    """Also of one that was given up as unknown meanwhile: this is the proof that it waits for."""
    if change(order, State.NOT_SENT, why, answered_at=timezone.now()):
        return
    order.refresh_from_db()
    while order.state in LOST:
        if change(order, State.NOT_EXECUTED, why, answered_at=timezone.now()):
            return
        order.refresh_from_db()


def columns(answer: TradeAnswer) -> dict[str, Any]:
    # One that is not told leaves what we know.
    told = {"position_identifier": answer.identifier} if answer.identifier else {}
    return told | {
        "answered_at": timezone.now(),
        "retcode": answer.retcode,
        "order_ticket": answer.order,
        "deal_ticket": answer.deal,
        "position_ticket": answer.position,
        "filled_volume": answer.volume,
        "price": answer.price,
    }


def words(order: Order, answer: TradeAnswer) -> str:
    """The outcome in plain words: what it means, then what the broker, or its agent, said."""
    speaker = "agent" if answer.retcode is None else "broker"
    said = f' The {speaker} said: "{answer.message}"' if answer.message else ""
    if answer.external and answer.outcome != "unknown":
        return f"Something else had closed the position already.{said}"
    if answer.outcome == "done":
        return f"Done at {answer.price}." if answer.price else "Done."
    if answer.outcome == "partial":
        of = f" of {order.volume.normalize():f}" if order.volume else ", not all of them,"
        return f"{_plain(answer.volume)} lots{of} were executed.{said}"
    if answer.outcome == "rejected":
        why = explain(answer.retcode) or "The order was refused."
        return f"{why}{_first_in(order, answer.retcode)}{said}"
    if answer.retcode is None:  # then the message is ours, and says how the answer was lost
        said = f" {answer.message}"
    return f"The outcome is not known yet. {explain(answer.retcode)}{said}".strip()


def _first_in(order: Order, retcode: int | None) -> str:
    """Which position a broker that closes first in, first out wants closed before."""
    if retcode != FIFO_CLOSE:
        return ""
    held = order.account.positions.filter(symbol=order.symbol)
    others = (position for position in held if position.ticket != order.position)
    oldest = min(others, key=Position.age_key, default=None)
    return f" That is #{oldest.ticket}." if oldest else ""


def _plain(volume: Decimal | None) -> str:
    return "Some" if volume is None else f"{volume.normalize():f}"


def poll_soon(order: Order) -> None:
    """The account is read again at once, and no other for its sake: a worker is told, and should
    that fail, its next tick finds it due."""
    _poll(order, timezone.now())
    transaction.on_commit(_tell_a_worker)


def _poll(order: Order, at: datetime) -> None:
    """At that time, unless it is due before. The outcome is written: should this fail, it is polled
    when it is due."""
    agent = Agent.objects.filter(orders=order, next_poll_at__gt=at)
    try:
        agent.update(next_poll_at=at)
    except FAULTS as fault:
        log.warning("Agent of order %s is not polled earlier: %s", order.tag, said(fault))
        reconnect()


def _tell_a_worker() -> None:
    """Nobody who waits for an outcome waits for this: a broker that is away takes seconds."""
    telling = asyncio.to_thread(_tell)
    try:
        loop.submit(telling)
    except RuntimeError:
        telling.close()  # this process is ending


def _tell() -> None:
    try:
        app.send_task("accounts.tasks.poll", expires=1.0, retry=False)
    except OperationalError as error:
        log.warning("The account of an order is read again with the next tick only: %s", error)
