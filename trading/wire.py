"""From an order to its agent and back, on the process's background loop. Nothing is repeated.

Every call raises AgentError when the agent could not be asked; `trade` raises NotSent.
"""

import logging
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

import msgspec
from django.utils import timezone

from accounts.agents import (
    AccountReading,
    AgentError,
    Deal,
    DealsReading,
    Endpoint,
    Kind,
    NotSent,
    OrderRecord,
    Side,
    SymbolSpec,
    TradeAnswer,
    TradeRequest,
    client,
)
from accounts.agents.errors import TerminalDisconnected
from accounts.models import Account, Position
from mt5monitor import loop
from mt5monitor.database import FAULTS, reconnect, words
from trading.models import Order
from trading.positions import find

log = logging.getLogger(__name__)
T = TypeVar("T")
PATIENCE_S = 5.0  # on top of the client's own deadlines, which end every call by themselves
MARGIN = timedelta(days=1)  # broker clocks differ: history is asked for a day wider


def trade(order: Order) -> TradeAnswer:
    """Sends it. Raises NotSent when it is proven that nothing was executed and nothing will be;
    whatever else it raises means that the outcome is unknown."""
    try:
        endpoint, spec = _endpoint(order), _prepare(order)
        asked = request(order)
    except NotSent:
        raise
    except FAULTS as fault:
        reconnect()
        log.warning("Order %s is not sent: %s", order.tag, words(fault))
        raise NotSent("The database failed before it was sent. Nothing was sent.") from fault
    except AgentError as error:
        raise NotSent(f"{error.sentence} Nothing was sent.", error) from error
    except TimeoutError as error:
        raise NotSent("The agent did not answer in time. Nothing was sent.") from error
    patience = client().limits.trade_deadline + PATIENCE_S
    answer = loop.run(client().trade(endpoint, asked, spec), patience)
    is_gone = answer.external and answer.outcome == "rejected"
    return _confirmed(order, answer) if is_gone else answer


def _confirmed(order: Order, answer: TradeAnswer) -> TradeAnswer:
    """A position that the agent did not find is gone only when a credible reading agrees: the
    broker may have re-opened it under another ticket, and an agent of contract 1 finds none after
    a failed read either. Nothing was sent, whichever it is."""
    try:
        reading: AccountReading | None = read_account(order)
    except (AgentError, TimeoutError):
        reading = None
    positions = reading.positions if reading else None
    held = find(positions or (), order.position, order.position_identifier)
    if reading is not None and reading.is_whole and held is None:
        return answer
    unread = "could not be read" if positions is None else "could not all be read"
    shown = unread if held is None else "show it"
    if held is not None and held.ticket != order.position:
        shown += f" as #{held.ticket}"
    message = f"{answer.message}, but the account's positions {shown}. Nothing was sent."
    return msgspec.structs.replace(answer, external=False, message=message)


def _prepare(order: Order) -> SymbolSpec | None:
    """What an agent of contract 1 needs first; nothing is sent yet."""
    if order.contract != "1":
        return None
    look_before(order)
    takes_pips = order.kind == Order.Kind.OPEN and (order.sl or order.tp)
    return symbol(_endpoint(order), order.symbol) if takes_pips else None


def look_before(order: Order) -> None:
    """Reads the account just before an agent of contract 1 is sent anything: nothing else ties an
    order to a login. Keeps the tickets that are open, to know later which are new."""
    account = read_account(order)
    if account.positions is None:
        raise NotSent("The positions of the account could not be read. Nothing was sent.")
    unreadable = [row.ticket for row in account.unreadable]
    if order.kind == Order.Kind.OPEN and None in unreadable:
        raise NotSent(
            "One of the open positions could not be read, not even its ticket: a new one could not "
            "be told from it. Nothing was sent."
        )
    known = [position.ticket for position in account.positions]
    order.tickets_before = known + [ticket for ticket in unreadable if ticket is not None]
    order.save(update_fields=["tickets_before"])


def request(order: Order) -> TradeRequest:
    return TradeRequest(
        kind=cast(Kind, order.kind),
        tag=order.tag,
        magic=order.magic,
        expected_login=order.login,
        expected_server=order.server,
        expires_at=order.valid_until,
        symbol=order.symbol,
        side=cast(Side, order.side),
        volume=order.volume,
        sl=order.sl,
        tp=order.tp,
        position=ticket_now(order),
        deviation=order.deviation,
    )


def ticket_now(order: Order) -> int | None:
    """Of the position that the order is about: the broker may have re-opened it under another one
    since the order was placed."""
    if order.position is None:
        return None
    held = Position.objects.filter(account=order.account_id)
    found = find(held, order.position, order.position_identifier)
    return order.position if found is None else found.ticket


def symbol(endpoint: Endpoint, name: str) -> SymbolSpec:
    return _run(client().symbol(endpoint, name))


def record(order: Order) -> OrderRecord:
    return _run(client().order_record(_endpoint(order), order.tag))


def read_account(order: Order) -> AccountReading:
    """The account of the order as it is now. Raises AgentError when another one is logged in."""
    reading = _run(client().read(_endpoint(order)))
    told = reading.accounts if reading else ()
    account = next((account for account in told if account.number == order.login), None)
    if account is None or _is_elsewhere(account.server, order.server):
        raise TerminalDisconnected("Another account is logged in at the terminal.")
    if not account.connected:
        raise TerminalDisconnected("The terminal has lost its broker.")
    return account


def deals(order: Order) -> tuple[Deal, ...]:
    """Those of deals_reading() that could be read: what they show is there."""
    return deals_reading(order).deals


def deals_reading(order: Order) -> DealsReading:
    """Since the order was claimed. Raises AgentError when they are another account's."""
    now = timezone.now()
    since = (order.claimed_at or order.placed_at) - MARGIN
    reading = _run(client().deals(_endpoint(order), since, now + MARGIN))
    return _of_login(reading, order.login, order.server)


def history(account: Account, since: datetime, until: datetime) -> DealsReading:
    """What the account's agent tells of a time. Raises AgentError, also for another account's."""
    if account.agent is None:
        raise AgentError("No agent reports this account.")
    reading = _run(client().deals(account.agent.endpoint(), since, until))
    return _of_login(reading, account.number, account.server)


def _is_elsewhere(server: str, expected: str) -> bool:
    """The same login at another server; not where one of the two is not known."""
    return bool(server and expected) and server.casefold() != expected.casefold()


def _of_login(reading: DealsReading, login: int, server: str) -> DealsReading:
    if reading.login != login or _is_elsewhere(reading.server, server):
        raise TerminalDisconnected("Another account is logged in at the terminal.")
    return reading


def _endpoint(order: Order) -> Endpoint:
    """At the address that the order was placed for, and without an ETag: all is wanted anew."""
    if order.agent is None or order.agent.url != order.agent_url:
        raise AgentError("The agent of this order is gone, or has another address now.")
    agent = order.agent
    return Endpoint(agent.pk, agent.name, agent.url, order.contract, agent.secret)


def _run(calling: Coroutine[Any, Any, T]) -> T:
    return loop.run(calling, client().limits.deadline + client().limits.pool_timeout + PATIENCE_S)
