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

from channels.db import database_sync_to_async
from django.conf import settings

from accounts.live import changes, stream
from accounts.live.frames import Refused
from accounts.live.healer import Healer
from accounts.live.heartbeat import Reading, Readings
from accounts.live.intake import CHUNK, Intake
from accounts.live.listener import EventListener, Listener
from accounts.live.page import Page
from accounts.live.publisher import publisher
from accounts.live.reader import BLOCK_MS, SharedReader
from accounts.live.stream import CLIENTS, PAGES
from mt5monitor.clock import Setting

log = logging.getLogger(__name__)

SLOW_EVERY_S = 0.1
MARKED_FOR_S = 30.0  # so long may a page take from being read until it listens
MARK_WITHIN_S = 0.5


class Hub(SharedReader[Listener]):
    def __init__(self) -> None:
        super().__init__()
        self.intake = Intake()
        self.backlog, self.pages = self.intake.backlog, self.intake.pages
        self.clients: set[EventListener] = set()
        self.slow: set[EventListener] = set()  # those that have not taken what they were sent
        self._announcing = asyncio.Lock()
        self._taken = asyncio.Event()  # something was read
        self._pages_until = 0.0  # of the loop's clock
        self._clock = Setting()
        self._readings = Readings()

    def _forget(self) -> None:
        self._readings.forget()
        self.intake.healer = Healer()
        self.pages.seen.clear()

    def works(self) -> list[Coroutine[Any, Any, None]]:
        self._readings = Readings()
        self._forget()
        return [self._wake_slow(), self._announce_on(), self._heal_journals_on()]

    def stop_reading(self) -> None:
        """What is published from now on is unknown here."""
        super().stop_reading()
        self.intake.announced.clear()
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
        if PAGES not in self.intake.announced and not self.is_away and self._is_elsewhere():
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
                await self.rights_are_known()
                await self.intake.take(valkey, found[0][1])
                self._taken.set()
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
                self.intake.announced.discard(audience)
            elif self.ready.is_set():
                await self._announce_if_possible(audience)

    async def _announce_new(self, audience: str) -> None:
        if audience not in self.intake.announced and self.ready.is_set():
            async with self._announcing:
                if audience not in self.intake.announced:
                    await self._announce_if_possible(audience)

    async def _announce_if_possible(self, audience: str) -> None:
        """Without Valkey it is announced when there is one: see `begin`."""
        try:
            await self._announce(self.valkey, audience)
            self.is_away = False
        except stream.ERRORS as error:
            # One that answers and takes nothing, as when it is full, is away for pages.
            self.is_away = True
            log.debug("An audience could not be announced: %s", error)

    async def _announce(self, valkey: Any, audience: str) -> None:
        """Say in Valkey that this audience listens, and see whether all was written for it since
        it did so last."""
        before = self.backlog.last  # entries after `at` may be read meanwhile
        at = await _listen(valkey, audience)
        if at.epoch != self.backlog.epoch or at.seq < before:
            self.intake.restart(at.epoch, at.seq)
        is_new = audience not in self.intake.announced
        if audience == PAGES and (is_new or at.since > self.backlog.rows_from):
            self.backlog.forget_rows(max(at.seq, self.backlog.last))
            self.pages.reread()
        if audience == CLIENTS:
            if is_new and at.since < self.backlog.first:
                await self.intake.read_back(valkey, at.since)
            self.intake.clients_since = at.since_at
        self.intake.announced.add(audience)
        if is_new and self.ready.is_set():
            await self._read_up_to(at.seq)

    async def _read_up_to(self, seq: int) -> None:
        """Who joins begins there, or misses the entry that says since when its audience listens."""
        try:
            async with asyncio.timeout(MARK_WITHIN_S):
                while self.backlog.last < seq:
                    self._taken.clear()
                    await self._taken.wait()
        except TimeoutError:
            pass  # it begins earlier, and is told to read again

    async def _wake_slow(self) -> None:
        while True:
            await asyncio.sleep(SLOW_EVERY_S)
            await self.wake(self.slow)

    # --- the heartbeat ------------------------------------------------------------------------
    async def tick(self) -> None:
        """Who does not keep up is dropped; what was never published is found; pages hear that they
        are connected."""
        if self._clock.was_changed():
            self.forget_times()
        now = time.monotonic()
        for listener in [one for one in self.listeners if one.is_behind(now)]:
            await self.drop(listener, Refused(Refused.BEHIND, "Too far behind."))
        reading = await self._readings.next(self.pages.screens.agents_shown())
        if reading is None:
            await self.pages.beat({}, {}, draws=not self.are_rights_unknown)
        else:
            await self._tell(reading)

    async def _tell(self, reading: Reading) -> None:
        draws = not self.are_rights_unknown
        moved = await self.pages.beat(reading.seen, reading.polls, draws=draws)
        for client in self.clients:
            client.receive_seen(time.time(), moved)
        if not (self.is_away or publisher().is_behind):
            if self.ready.is_set():
                self.intake.healer.heal(reading)
        elif self.pages.open and draws:
            self.pages.show_changed(set(reading.accounts), set(reading.agents))

    async def _heal_journals_on(self) -> None:
        """Apart from the heartbeat, which waits for no slow query."""
        while True:
            await asyncio.sleep(settings.LIVE_BEAT_S)
            try:
                if self.clients and self.ready.is_set():
                    await self.intake.heal_journals()
            except Exception:
                log.exception("live: what was not published could not be looked for")

    def forget_times(self) -> None:
        """The wall clock was set: times by which rows are compared mean nothing across that."""
        log.warning("The clock was set: pages and API clients read everything again")
        self.pages.forget_times()
        self._forget()
        publisher().lose()


async def _listen(valkey: Any, audience: str) -> stream.Position:
    is_primed = False
    while (at := await stream.listen(valkey, audience, primed=is_primed)) is None:
        # Before anything is sent, for what differs is sent from here on.
        await database_sync_to_async(_prime)()
        is_primed = True
    return at


def _prime() -> None:
    valkey = stream.connection()
    items = changes.everything(stream.audiences(valkey).at)
    stream.write(valkey, stream.Part(items), only_prime=True)
