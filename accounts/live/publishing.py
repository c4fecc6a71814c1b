"""Shows changed rows to every open page: rendered once, sent once, after commit.

The layer lives on the process's background loop: a client does not survive its loop, so nothing
is sent from any other. What cannot be sent is remembered, and the hubs are told to have every
page read again as soon as the layer works.
"""

import asyncio
import concurrent.futures
import logging
import os
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from channels.layers import get_channel_layer
from django.db import transaction
from msgspec.structs import replace

from accounts.events import publishing
from accounts.events.publishing import Build
from accounts.fleet import fragments
from accounts.live.message import GROUP, Message, packed, parts
from accounts.models import Account
from mt5monitor import loop
from mt5monitor.database import FAULTS, reconnect
from mt5monitor.valkey import ERRORS, Backoff

log = logging.getLogger(__name__)

CALLER_WAITS_S = 0.25  # so that a command does not end before its last message is out


def publish_accounts(numbers: Iterable[int], *, added: bool = False) -> None:
    """Renders these accounts' rows after the current transaction commits and sends one message,
    together with all else that the transaction publishes. Never raises.

    `added`: there is something of these accounts that no list can have yet; all but the pages of
    one account are read again.
    """
    published = set(numbers)
    _publish(Batch(accounts=published, added=published if added else set()))


def publish_agents(ids: Iterable[int]) -> None:
    """The same for these agents' rows and the rows of their accounts, which show their state."""
    _publish(Batch(agents=set(ids)))


def publish_note(name: str) -> None:
    """Tells every open page, after commit, that something which is no row was changed; scripts hear
    it as the event `live:name`."""
    _publish(Batch(notes={name}))


def publish_event(build: Build) -> None:
    """Tells programs, after commit, what `build` makes then; pages hear nothing of it."""
    _publish(Batch(builds=[build]))


@dataclass
class Batch:
    """What one transaction publishes; called when it has committed."""

    accounts: set[int] = field(default_factory=set)
    agents: set[int] = field(default_factory=set)
    added: set[int] = field(default_factory=set)
    notes: set[str] = field(default_factory=set)
    builds: list[Build] = field(default_factory=list)

    def add(self, other: "Batch") -> None:
        self.accounts |= other.accounts
        self.agents |= other.agents
        self.added |= other.added
        self.notes |= other.notes
        self.builds += other.builds

    def __call__(self) -> None:
        if self.accounts or self.agents or self.notes:
            self._show()
        if self.accounts or self.agents or self.builds:
            publishing.tell(self.accounts, self.agents, self.builds)

    def _show(self) -> None:
        try:
            messages = self._rendered()
        except Exception as error:
            # The change itself is committed and its caller has nothing to repair.
            log.exception("Changed rows could not be rendered; pages will be read again")
            if isinstance(error, FAULTS):
                reconnect()  # for what else the caller does
            messages = []
        publisher().send(messages)

    def _rendered(self) -> "list[Message]":
        at = time.time()  # before the rows are read: the order of messages about a row
        numbers = self.accounts | _accounts_of(self.agents)
        rows, agents = fragments.account_rows(numbers), fragments.agent_rows(self.agents)
        gone = _gone(numbers - rows.keys())
        messages = [
            Message(source="", seq=0, at=at, rows=part, agents=agent_part)
            for part, agent_part in parts(rows, agents)
        ]
        came = sorted(self.added - gone)
        last = replace(messages[-1], added=came, gone=sorted(gone), notes=sorted(self.notes))
        return [*messages[:-1], last]


def _accounts_of(agents: set[int]) -> set[int]:
    if not agents:
        return set()
    return set(Account.objects.filter(agent__in=agents).values_list("number", flat=True))


def _gone(numbers: set[int]) -> set[int]:
    """Rows of accounts that share their number are not known by it."""
    if not numbers:
        return numbers
    return numbers - set(
        Account.objects.filter(number__in=numbers).values_list("number", flat=True)
    )


def _publish(batch: Batch) -> None:
    """Adds to the batch of the current transaction. One that was begun in a savepoint that has
    ended since is as good as one of now: it lives as long as the transaction, and publishing a
    row that did not change in the end is harmless."""
    if not (batch.accounts or batch.agents or batch.notes or batch.builds):
        return
    for _, waiting, _ in transaction.get_connection().run_on_commit:
        if isinstance(waiting, Batch):
            waiting.add(batch)
            return
    transaction.on_commit(batch)


class Publisher:
    """The voice of this process; its messages are numbered from 1."""

    def __init__(self) -> None:
        self._source = secrets.token_hex(8)
        self._seq = 0
        self._silenced = 0  # messages that were not sent since the layer failed
        self._retry: asyncio.Task[None] | None = None

    def send(self, messages: list[Message]) -> None:
        """From any thread; none for what could not be rendered. Waits a moment at most."""
        try:
            sending = loop.submit(self._send(messages))
        except RuntimeError:
            log.warning("Changed rows are not sent: this process is ending")
            return
        if not self._silenced and not _in_a_loop():
            concurrent.futures.wait([sending], timeout=CALLER_WAITS_S)

    async def _send(self, messages: list[Message]) -> None:
        if not messages or self._silenced:
            self._fall_silent()
            return
        try:
            for message in messages:
                await self._send_one(message)
        except ERRORS as error:
            if not self._silenced:
                log.warning("Live pages are not told of changes: Valkey is away (%s)", error)
            self._fall_silent()
        except Exception:
            log.exception("Changed rows could not be sent; pages will be read again")
            self._fall_silent()

    async def _send_one(self, message: Message) -> None:
        self._seq += 1
        numbered = replace(message, source=self._source, seq=self._seq)
        await get_channel_layer().group_send(GROUP, packed(numbered))  # it ends by itself

    def _fall_silent(self) -> None:
        """From here on one marker stands for everything, until it is through."""
        self._silenced += 1
        if self._retry is None:
            self._retry = asyncio.get_running_loop().create_task(self._send_marker())

    async def _send_marker(self) -> None:
        backoff = Backoff()
        try:
            while self._silenced and not await self._marker_is_through():
                await asyncio.sleep(backoff.after_failure())
        finally:
            self._retry = None

    async def _marker_is_through(self) -> bool:
        covered = self._silenced
        try:
            await self._send_one(Message(source="", seq=0, at=time.time(), reread=True))
        except ERRORS:
            return False
        if covered != self._silenced:
            return False  # silenced while the marker was under way: newer than its re-reads
        self._silenced = 0
        log.info("Live pages were told to read again")
        return True


_publisher: Publisher | None = None


def publisher() -> Publisher:
    global _publisher
    if _publisher is None:
        _publisher = Publisher()
    return _publisher


def _forget_parents_publisher() -> None:
    """A forked child is another source, on a loop of its own."""
    global _publisher
    _publisher = None


os.register_at_fork(after_in_child=_forget_parents_publisher)


def _in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
