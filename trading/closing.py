"""Closing everything: one position of an account after another, several accounts side by side."""

import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from django.contrib.auth.models import AbstractUser
from django.db import connections

from accounts.models import Account, Position
from mt5monitor.database import FAULTS, reconnect
from mt5monitor.text import clean
from trading import orders, readback
from trading.models import Order
from trading.orders import Instruction, KeyTaken
from trading.positions import find
from trading.states import OPEN, State

log = logging.getLogger(__name__)
SUMMED = {
    "good": "closed",
    "bad": "not closed",
    "lost": "not known yet",
    "": "not open any more",
}
SHOWN = 40
LOST = "It could not be read, so it was not closed: look at the terminal."
AT_ONCE = 16  # accounts; each waits for its own agent
# One that is closed in part is still open.
CLOSED = frozenset({State.FILLED, State.LATE_FILL})


@dataclass(frozen=True, slots=True)
class Closing:
    """What became of one position; `order` is None when nothing was asked for."""

    words: str
    sentence: str
    order: Order | None = None
    failed: bool = False  # without an order to tell

    @property
    def tone(self) -> str:
        """good: it is closed; lost: nobody knows yet; bad: it is not; empty: it was before, also
        where only the broker said so."""
        if self.order is None:
            return "bad" if self.failed else ""
        if self.order.state == State.CLOSED_EXTERNALLY:
            return ""
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
            return "its positions could not be read" if unread else "nothing was open to close"
        tones = [closing.tone for closing in self.closings]
        counts = {words: tones.count(tone) for tone, words in SUMMED.items()}
        said = [f"{count} {words}" for words, count in counts.items() if count]
        if 0 < counts["closed"] < len(tones):
            said[0] = f"{counts['closed']} of {len(tones)} closed"
        summed = ", ".join(said)
        return summed if any(tones) else f"nothing to close: {summed}"


def close_account(
    account: Account, user: AbstractUser, tickets: Iterable[int | str], key: str, reason: str = ""
) -> Closed:
    """Closes these positions, one after another; with the same key again, nothing anew. A text is
    what came in place of a ticket: it is told like the others, and nothing is closed for it."""
    held = list(account.positions.all())
    # Of this account and user alone: with a key of somebody else's form nothing is sent or told.
    own = Order.objects.filter(account=account, user_id=user.pk, kind=Order.Kind.CLOSE)
    unreadable = account.unreadable
    lost = {one.ticket for one in unreadable}
    more = account.unnamed
    asked = [ticket for ticket in dict.fromkeys(tickets) if ticket not in lost]
    tickets = _oldest_first(asked, held)
    keys = [_key(key, account, ticket) for ticket in tickets if isinstance(ticket, int)]
    known = own.in_bulk(keys, field_name="client_key")
    closings: list[Closing] = []
    ended = {order.pk for order in known.values() if order.is_ended}
    for ticket in tickets:
        if isinstance(ticket, str):
            closings.append(_unreadable(ticket))
            continue
        position, before = find(held, ticket), known.get(_key(key, account, ticket))
        if before is not None:
            closings.append(_told(orders.send(before)))
        elif position is None:
            closings.append(_missing(account, ticket, may_be_lost=bool(more) or None in lost))
        else:
            closings.append(_close(position, account, user, _key(key, account, ticket), reason))
    sent = (closing.order for closing in closings if closing.order is not None)
    readback.show(order for order in sent if order.pk not in ended)
    closings += [Closing(str(one), LOST, failed=True) for one in unreadable]
    if more:
        closings.append(Closing(f"{more} more that could not be read", LOST, failed=True))
    return Closed(account, closings)


def _oldest_first(tickets: Sequence[int | str], held: Sequence[Position]) -> list[int | str]:
    """As brokers ask for it who close first in, first out; those that are gone come first, for
    nothing is sent for them."""
    named = [(find(held, one) if isinstance(one, int) else None, one) for one in tickets]
    there = [(position.age_key(), one) for position, one in named if position is not None]
    gone = [one for position, one in named if position is None]
    return gone + [one for _, one in sorted(there, key=lambda aged: aged[0])]


def _unreadable(text: str) -> Closing:
    sentence = "This is not the ticket of a position, so nothing was closed for it."
    return Closing(f"“{clean(text, SHOWN)}”", sentence, failed=True)


def _missing(account: Account, ticket: int, *, may_be_lost: bool) -> Closing:
    if account.open_positions is None:
        sentence = "The positions of the account could not be read, so nothing was closed for it."
        return Closing(f"#{ticket}", sentence, failed=True)
    if may_be_lost:
        sentence = "It may be one of those that could not be read, so nothing was closed for it."
        return Closing(f"#{ticket}", sentence, failed=True)
    return Closing(f"#{ticket}", "It was not open any more.")


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
    except FAULTS:
        # One position: those after it are closed all the same.
        log.exception("Position %s of account %s could not be closed", position, account)
        reconnect()
        text = "The database failed while it was being closed. Look at the account's orders."
        return Closing(str(position), text, failed=True)


def _told(order: Order) -> Closing:
    return Closing(order.words, order.reason, order)


def _key(key: str, account: Account, ticket: int) -> str:
    """One form may close positions of two brokers that have the same ticket."""
    return f"{key}.{account.pk}.{ticket}"


def close_accounts(
    accounts: Sequence[Account], user: AbstractUser, key: str, tickets: dict[str, list[int | str]]
) -> list[Closed]:
    """Closes these tickets of each account, by its key; texts as in `close_account`. A slow agent
    delays its own account only."""

    def close(account: Account) -> Closed:
        try:
            return close_account(account, user, tickets.get(account.key, []), key)
        except Exception:
            # One account's closing: the others are closed all the same.
            log.exception("The positions of account %s could not be closed", account)
            told = "The monitor failed here; look at the account."
            failed = Closing("all positions", told, failed=True)
            return Closed(account, [failed])
        finally:
            connections.close_all()

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="close-all") as threads:
        return list(threads.map(close, accounts))
