"""Closing everything: one position of an account after another, several accounts side by side."""

import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from django.contrib.auth.models import AbstractUser
from django.db import connections

from accounts.models import Account, Position
from trading import orders, readback
from trading.diagram import OPEN, State
from trading.models import Order
from trading.orders import Instruction, KeyTaken

log = logging.getLogger(__name__)
SUMMED = {
    "bad": "not closed",
    "lost": "not known yet",
    "good": "closed",
    "": "not open any more",
}
AT_ONCE = 16  # accounts; each waits for its own agent
# One that is closed in part is still open.
CLOSED = frozenset({State.FILLED, State.LATE_FILL, State.CLOSED_EXTERNALLY})


@dataclass(frozen=True, slots=True)
class Closing:
    """What became of one position; `order` is None when nothing was asked for."""

    words: str
    sentence: str
    order: Order | None = None
    failed: bool = False  # without an order to tell

    @property
    def tone(self) -> str:
        """good: it is closed; lost: nobody knows yet; bad: it is not; empty: it was before."""
        if self.order is None:
            return "bad" if self.failed else ""
        if self.order.state in OPEN:
            return "lost"
        return "good" if self.order.state in CLOSED else "bad"


@dataclass(frozen=True, slots=True)
class Closed:
    """What became of one account."""

    account: Account
    closings: Sequence[Closing]

    @property
    def summary(self) -> str:
        """How many of each, in words."""
        if not self.closings:
            unread = self.account.open_positions is None
            return "its positions could not be read" if unread else "nothing was open"
        tones = [closing.tone for closing in self.closings]
        counts = [(tones.count(tone), words) for tone, words in SUMMED.items()]
        return ", ".join(f"{count} {words}" for count, words in counts if count)


def close_account(
    account: Account, user: AbstractUser, tickets: Iterable[int], key: str, reason: str = ""
) -> Closed:
    """Closes these positions, one after another; with the same key again, nothing anew."""
    held = {position.ticket: position for position in account.positions.all()}
    # Of this account and user alone: with a key of somebody else's form nothing is sent or told.
    own = Order.objects.filter(account=account, user_id=user.pk, kind=Order.Kind.CLOSE)
    tickets = list(dict.fromkeys(tickets))
    known = own.in_bulk([_key(key, t) for t in tickets], field_name="client_key")
    closings: list[Closing] = []
    ended = {order.pk for order in known.values() if order.is_ended}
    for ticket in tickets:
        position, before = held.get(ticket), known.get(_key(key, ticket))
        if before is not None:
            closings.append(_told(orders.send(before)))
        elif position is None:
            closings.append(Closing(f"#{ticket}", "It was not open any more."))
        else:
            closings.append(_close(position, account, user, _key(key, ticket), reason))
    sent = (closing.order for closing in closings if closing.order is not None)
    readback.show(order for order in sent if order.pk not in ended)
    return Closed(account, closings)


def _close(
    position: Position, account: Account, user: AbstractUser, key: str, reason: str
) -> Closing:
    asked = Instruction(
        "close",
        position.symbol,
        position.side,
        position=position.ticket,
        override_reason=reason,
    )
    try:
        return _told(orders.send(orders.place(account, user, asked, key)))
    except KeyTaken as error:
        return Closing(str(position), str(error), failed=True)


def _told(order: Order) -> Closing:
    return Closing(order.words, order.reason, order)


def _key(key: str, ticket: int) -> str:
    return f"{key}.{ticket}"


def close_accounts(
    accounts: Sequence[Account], user: AbstractUser, key: str, tickets: dict[int, list[int]]
) -> list[Closed]:
    """Closes these tickets of each account, by number. A slow agent delays its own account only."""

    def close(account: Account) -> Closed:
        try:
            return close_account(account, user, tickets.get(account.number, []), key)
        except Exception:
            # One account's closing: the others are closed all the same.
            log.exception("The positions of account %s could not be closed", account.number)
            told = "The monitor failed here; look at the account."
            failed = Closing("all positions", told, failed=True)
            return Closed(account, [failed])
        finally:
            connections.close_all()

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="close-all") as threads:
        return list(threads.map(close, accounts))
