"""One hub a web process: reads the stream once for all who listen in it, and wakes them.

Each listener has a mark of its own, up to which it was told; what comes after it is in the backlog,
or else the listener is told to read anew.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings

from accounts.events import stream
from accounts.events.circle import BLOCK_MS, Circle
from accounts.events.events import Backlog, Event
from accounts.events.heart import Heart
from accounts.events.listener import EventListener

CHUNK = 500
SLOW_EVERY_S = 0.1


class Hub(Circle[EventListener]):
    def __init__(self) -> None:
        super().__init__()
        self.backlog = Backlog()
        self.heart = Heart(self)
        self.slow: set[EventListener] = set()  # those that have not taken what they were sent

    def works(self) -> list[Coroutine[Any, Any, None]]:
        return [self.heart.run(), self._wake_slow()]

    async def join(self, listener: EventListener) -> None:
        await super().join(listener)
        listener.begin(self.backlog.epoch, self.backlog.last)

    def leave(self, listener: EventListener) -> None:
        self.slow.discard(listener)
        super().leave(listener)

    async def begin(self, valkey: Any) -> None:
        """Says that somebody listens; reads what there is already."""
        if not await valkey.exists(stream.OPEN):
            # Before anything is told, for what differs is told from here on.
            await database_sync_to_async(_prime)()
        epoch, seq = await stream.listen(valkey)
        if epoch != self.backlog.epoch or seq < self.backlog.last:
            self.backlog = Backlog(epoch)
            await self._read_back(valkey)

    async def _read_back(self, valkey: Any) -> None:
        """What is in the stream of this epoch: those who come back ask for it."""
        after = "-"
        while entries := await valkey.xrange(stream.STREAM, after, "+", count=CHUNK):
            self._take(entries)
            after = f"({entries[-1][0].decode()}"

    async def follow(self, valkey: Any) -> None:
        say_again = self.loop.time() + settings.EVENTS_OPEN_S / 4
        while self.is_current():
            if self.loop.time() >= say_again:
                await stream.listen(valkey)
                say_again = self.loop.time() + settings.EVENTS_OPEN_S / 4
            after = f"{self.backlog.last}-0"
            found = await valkey.xread({stream.STREAM: after}, count=CHUNK, block=BLOCK_MS)
            if found:
                self._take(found[0][1])
                await self.wake()

    def _take(self, entries: list[tuple[bytes, dict[bytes, bytes]]]) -> None:
        for entry, fields in entries:
            seq = int(entry.split(b"-")[0])
            if seq <= self.backlog.last:
                continue
            if b"epoch" in fields:
                self.backlog = Backlog(fields[b"epoch"].decode(), seq)
                continue
            event = Event.of(self.backlog.epoch, seq, fields)
            self.backlog.add(event, settings.EVENTS_KEPT)
            self.heart.was_told(event)

    async def _wake_slow(self) -> None:
        while True:
            await asyncio.sleep(SLOW_EVERY_S)
            for listener in list(self.slow):
                await listener.wake()


def _prime() -> None:
    from accounts.events import payloads

    stream.write(payloads.everything(), only_prime=True)
