"""One hub a web process: reads the stream once for all who listen in it, pages and API clients,
over sockets and over server-sent events.

Each listener has a mark of its own, (epoch, seq); what comes after it is in the backlog, or else
the listener is told to read everything again.
"""

import asyncio
import logging
import time
from collections.abc import Coroutine
from typing import Any

import msgspec
from channels.db import database_sync_to_async
from django.conf import settings

from accounts.live import changes, stream
from accounts.live.events import Backlog, Event
from accounts.live.frames import Refused
from accounts.live.healer import Healer
from accounts.live.heartbeat import Reading, Readings
from accounts.live.listener import EventListener, Listener
from accounts.live.message import Forged, unpacked
from accounts.live.page import Page
from accounts.live.pages import Pages
from accounts.live.publisher import publisher
from accounts.live.reader import BLOCK_MS, SharedReader
from accounts.live.stream import CLIENTS, PAGES
from mt5monitor.clock import Setting

log = logging.getLogger(__name__)

CHUNK = 500
SLOW_EVERY_S = 0.1
MARKED_FOR_S = 30.0  # so long may a page take from being read until it listens
MARK_WITHIN_S = 0.5

Entries = list[tuple[bytes, dict[bytes, bytes]]]


class Hub(SharedReader[Listener]):
    def __init__(self) -> None:
        super().__init__()
        self.backlog = Backlog()
        self.pages = Pages(self.backlog)
        self.clients: set[EventListener] = set()
        self.slow: set[EventListener] = set()  # those that have not taken what they were sent
        self._announced: set[str] = set()
        self._announcing = asyncio.Lock()
        self._pages_until = 0.0  # of the loop's clock
        self._clock = Setting()
        self._was_forged = False
        self._forget()

    def _forget(self) -> None:
        self._readings, self._healer = Readings(), Healer()
        self.pages.seen.clear()

    def works(self) -> list[Coroutine[Any, Any, None]]:
        self._forget()
        return [self._wake_slow(), self._announce_on()]

    def stop_reading(self) -> None:
        """What is published from now on is unknown here."""
        super().stop_reading()
        self._announced.clear()
        self.backlog.restart("", 0)

    async def stop(self) -> None:
        self.pages.stop()
        await super().stop()

    # --- who listens --------------------------------------------------------------------------
    def add(self, listener: Listener) -> None:
        super().add(listener)
        if isinstance(listener, Page):
            self.pages.open.add(listener)
        elif isinstance(listener, EventListener):
            self.clients.add(listener)

    def leave(self, listener: Listener) -> None:
        if isinstance(listener, Page):
            self.pages.leave(listener)
        elif isinstance(listener, EventListener):
            self.clients.discard(listener)
            self.slow.discard(listener)
        super().leave(listener)

    async def let_in(self, listener: Listener) -> None:
        await super().let_in(listener)
        await self._announce_new(PAGES if isinstance(listener, Page) else CLIENTS)
        if isinstance(listener, EventListener):
            listener.begin(*self.backlog.mark)
            if self.pages.seen:
                listener.receive_seen(time.time(), self.pages.seen)

    def is_wanted(self) -> bool:
        return self._wants(PAGES) or bool(self.listeners)

    def _wants(self, audience: str) -> bool:
        if audience == CLIENTS:
            return bool(self.clients)
        return bool(self.pages.open) or self.loop.time() < self._pages_until

    def mark_page(self) -> tuple[str, int]:
        """Return the (epoch, seq) to put on a page; taken before its rows are read. From any
        thread. Whatever is published from then on reaches the page when it listens soon."""
        self._pages_until = self.loop.time() + MARKED_FOR_S
        if PAGES not in self._announced and not self.is_away and self._is_elsewhere():
            opening = asyncio.run_coroutine_threadsafe(self.open_pages(), self.loop)
            try:
                opening.result(MARK_WITHIN_S)
            except TimeoutError:
                opening.cancel()  # without Valkey pages still work
        return self.backlog.mark

    def _is_elsewhere(self) -> bool:
        """Whether the loop runs, and not on this thread, so that it can be waited for."""
        try:
            return self.loop.is_running() and asyncio.get_running_loop() is not self.loop
        except RuntimeError:
            return True

    async def open_pages(self) -> None:
        """Have rows published and read here for pages that are about to listen."""
        self._pages_until = self.loop.time() + MARKED_FOR_S
        await self.begin_reading(MARK_WITHIN_S)
        await self._announce_new(PAGES)

    # --- the stream ---------------------------------------------------------------------------
    async def begin(self, valkey: Any) -> None:
        for audience in (PAGES, CLIENTS):
            if self._wants(audience):
                await self._announce(valkey, audience)

    async def follow(self, valkey: Any) -> None:
        while self.is_current():
            after = f"{self.backlog.last}-0"
            found = await valkey.xread({stream.STREAM: after}, count=CHUNK, block=BLOCK_MS)
            if found:
                await self._take(valkey, found[0][1])
                await self.wake(self.clients)

    async def _announce_on(self) -> None:
        """Often, so that little is missed where what Valkey knew of it was deleted."""
        while True:
            await asyncio.sleep(settings.LIVE_BEAT_S)
            try:
                await self._announce_again()
            except Exception:
                log.exception("live: an audience could not be announced; it is tried again")

    async def _announce_again(self) -> None:
        for audience in (PAGES, CLIENTS):
            if not self._wants(audience):
                self._announced.discard(audience)
            elif self.ready.is_set():
                await self._announce_if_possible(audience)

    async def _announce_new(self, audience: str) -> None:
        if audience not in self._announced and self.ready.is_set():
            async with self._announcing:
                if audience not in self._announced:
                    await self._announce_if_possible(audience)

    async def _announce_if_possible(self, audience: str) -> None:
        """Without Valkey it is announced when there is one: see `begin`."""
        try:
            await self._announce(self.valkey, audience)
        except stream.ERRORS as error:
            log.debug("An audience could not be announced: %s", error)

    async def _announce(self, valkey: Any, audience: str) -> None:
        """Say in Valkey that this audience listens, and see whether all was written for it since
        it did so last."""
        if audience == CLIENTS and not await valkey.exists(CLIENTS):
            # Before anything is sent, for what differs is sent from here on.
            await database_sync_to_async(_prime)()
        before = self.backlog.last  # entries after `at` may be read meanwhile
        at = await stream.listen(valkey, audience)
        if at.epoch != self.backlog.epoch or at.seq < before:
            self._restart(at.epoch, at.seq)
        is_new = audience not in self._announced
        if audience == PAGES and (is_new or at.since > self.backlog.rows_from):
            self.backlog.forget_rows(max(at.seq, self.backlog.last))
            if not is_new:
                self.pages.reread()
        if audience == CLIENTS:
            if is_new and at.since < self.backlog.first:
                await self._read_back(valkey, at.since)
            self.backlog.forget_events(at.since)
        self._announced.add(audience)

    def _restart(self, epoch: str, seq: int) -> None:
        if self.backlog.epoch:
            self.pages.reread()
        self.backlog.restart(epoch, seq)

    async def _read_back(self, valkey: Any, since: int) -> None:
        """What is in the stream of this epoch already: clients that come back ask for it."""
        epoch, upto = self.backlog.mark[0], self.backlog.first
        found: list[Event] = []
        after = f"({since}"
        while entries := await valkey.xrange(stream.STREAM, after, f"{upto}", count=CHUNK):
            for entry, fields in entries:
                if b"epoch" in fields:
                    found.clear()
                else:
                    found.append(Event.of(epoch, _seq(entry), fields))
            after = f"({entries[-1][0].decode()}"
        self.backlog.prepend(found)

    async def _take(self, valkey: Any, entries: Entries) -> None:
        rows = await self._rows_of(valkey, entries)
        for entry, fields in entries:
            seq = _seq(entry)
            if seq <= self.backlog.last:
                continue
            if b"epoch" in fields:
                self._restart(fields[b"epoch"].decode(), seq)
                continue
            if seq != self.backlog.last + 1:
                self.pages.reread()  # entries were dropped before they were read here
            event = Event.of(self.backlog.epoch, seq, fields)
            self.backlog.add(event, settings.EVENTS_KEPT)
            self._healer.arrived(event)
            if event.note is not None and event.note.has_rows and PAGES in self._announced:
                await self._show(rows.get(seq))

    async def _rows_of(self, valkey: Any, entries: Entries) -> dict[int, bytes | None]:
        noted = [_seq(entry) for entry, fields in entries if b"note" in fields]
        if not noted or PAGES not in self._announced:
            return {}
        found = await valkey.mget([f"{stream.ROWS}{seq}" for seq in noted])
        return dict(zip(noted, found, strict=True))

    async def _show(self, message: bytes | None) -> None:
        """The rows of the last event; None when they are gone already."""
        try:
            if message is None:
                raise KeyError
            await self.pages.show(unpacked(message))
        except KeyError:
            self.backlog.forget_rows(self.backlog.last)
            self.pages.reread()
        except Forged:
            if not self._was_forged:
                log.error(
                    "Live pages drop messages that another key made: "
                    "compare SECRET_KEY of all hosts, and see who else can write to Valkey."
                )
            self._was_forged = True
        except msgspec.DecodeError:
            log.exception("live: a message that is none")

    async def _wake_slow(self) -> None:
        while True:
            await asyncio.sleep(SLOW_EVERY_S)
            await self.wake(self.slow)

    # --- the heartbeat ------------------------------------------------------------------------
    async def tick(self) -> None:
        """Who may not listen any more, or does not keep up, is dropped; what was never published
        is found; pages hear that they are connected."""
        if self._clock.was_changed():
            self.forget_times()
        now = time.monotonic()
        for listener in [one for one in self.listeners if one.is_behind(now)]:
            await self.drop(listener, Refused(Refused.BEHIND, "Too far behind."))
        viewers = {listener.viewer for listener in self.listeners}
        reading = await self._readings.next(viewers, self.pages.screens.agents_shown())
        if reading is None:
            await self.pages.beat({}, {})
        else:
            await self._tell(reading)

    async def _tell(self, reading: Reading) -> None:
        await self.refuse(reading.refused)
        moved = await self.pages.beat(reading.seen, reading.polls)
        for client in self.clients:
            client.receive_seen(time.time(), moved)
        if self.ready.is_set():
            self._healer.heal(reading)
            if self.clients:
                await self._healer.heal_journals()

    def forget_times(self) -> None:
        """The wall clock was set: times by which rows are compared mean nothing across that."""
        log.warning("The clock was set: pages and API clients read everything again")
        self.pages.forget_times()
        self._forget()
        publisher().lose()


def _seq(entry: bytes) -> int:
    return int(entry.split(b"-")[0])


def _prime() -> None:
    stream.write(stream.connection(), stream.Part(changes.everything()), only_prime=True)
