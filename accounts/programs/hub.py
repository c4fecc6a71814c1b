"""One hub a web process: reads the stream once for all who listen in it, and wakes them.

It runs while somebody listens. Each listener has a mark of its own, up to which it was told; what
comes after it is in the backlog, or else the listener is told to read anew.
"""

import asyncio
import contextvars
import logging
import random
from collections import Counter
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

import redis.asyncio
from channels.db import database_sync_to_async
from django.conf import settings

from accounts.live.frames import Refused
from accounts.programs import stream
from accounts.programs.access import Holder
from accounts.programs.events import Backlog, Event
from accounts.programs.heart import Heart

if TYPE_CHECKING:
    from accounts.programs.listener import Listener

log = logging.getLogger(__name__)
T = TypeVar("T")
READY_WITHIN_S = 2.0
CHUNK = 500
BLOCK_MS = 5000
SOCKET_S = 8.0  # more than a read blocks
FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 5.0
AT_ONCE = 50  # listeners woken before others have a turn
SLOW_EVERY_S = 0.1


class Hub:
    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.listeners: set[Listener] = set()
        self.backlog = Backlog()
        self.heart = Heart(self)
        self.ready = asyncio.Event()  # while it reads
        self.slow: set[Listener] = set()  # those that have not taken what they were sent
        self._users: Counter[int] = Counter()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """In a context of its own: in that of a request it would work on a thread of that request,
        and keep it."""
        return self.loop.create_task(work, context=contextvars.Context())

    # --- who listens --------------------------------------------------------------------------
    def has_room(self, holder: Holder) -> bool:
        return bool(self._users[holder.user_id] < settings.EVENTS_PER_USER)

    async def join(self, listener: "Listener") -> None:
        """From now on it is told. Raises Refused when the user listens too often already."""
        if not self.has_room(listener.holder):
            raise Refused(Refused.TOO_MANY, "Too many programs listen for this user.")
        self._users[listener.holder.user_id] += 1
        self.listeners.add(listener)
        if not self._tasks:
            work = (self._run(), self.heart.run(), self._wake_slow())
            self._tasks = [self.start(one) for one in work]
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                await self.ready.wait()
        except TimeoutError:
            pass  # without Valkey it is told to read anew as soon as there is one
        except BaseException:
            self.leave(listener)
            raise
        listener.begin(self.backlog.epoch, self.backlog.last)

    def leave(self, listener: "Listener") -> None:
        """Harmless when it has left already."""
        if listener not in self.listeners:
            return
        self.listeners.discard(listener)
        self.slow.discard(listener)
        self._users[listener.holder.user_id] -= 1
        if not self.listeners:
            self._stop()

    def _stop(self) -> None:
        """Nobody listens: nothing is read, and nothing costs anything."""
        for task in self._tasks:
            task.cancel()
        self._tasks = []
        self.ready.clear()

    # --- the stream ---------------------------------------------------------------------------
    async def _run(self) -> None:
        wait = FIRST_WAIT_S
        valkey = redis.asyncio.Redis.from_url(
            settings.REDIS_URL, socket_timeout=SOCKET_S, socket_connect_timeout=2
        )
        try:
            while self._is_current():
                try:
                    await self._begin(valkey)
                    wait = FIRST_WAIT_S
                    await self._follow(valkey)
                except stream.ERRORS as error:
                    if wait == FIRST_WAIT_S:
                        log.warning("Programs wait for Valkey: %s", error)
                except Exception:
                    log.exception("Programs could not be told what is in the stream")
                self.ready.clear()
                await asyncio.sleep(wait * random.uniform(0.75, 1))  # noqa: S311
                wait = min(wait * 2, LONGEST_WAIT_S)
        finally:
            await valkey.aclose()

    def _is_current(self) -> bool:
        """Before Python 3.12 a task that is cancelled just when it has an answer may go on."""
        return asyncio.current_task() in self._tasks

    async def _begin(self, valkey: Any) -> None:
        """Says that somebody listens; reads what there is already."""
        if not await valkey.exists(stream.OPEN):
            # Before anything is told, for what differs is told from here on.
            await database_sync_to_async(_prime)()
        epoch, seq = await stream.listen(valkey)
        if epoch != self.backlog.epoch or seq < self.backlog.last:
            self.backlog = Backlog(epoch)
            await self._read_back(valkey)
        self.ready.set()
        await self._wake()

    async def _read_back(self, valkey: Any) -> None:
        """What is in the stream of this epoch: those who come back ask for it."""
        after = "-"
        while entries := await valkey.xrange(stream.STREAM, after, "+", count=CHUNK):
            self._take(entries)
            after = f"({entries[-1][0].decode()}"

    async def _follow(self, valkey: Any) -> None:
        """Until something fails."""
        say_again = self.loop.time() + settings.EVENTS_OPEN_S / 4
        while self._is_current():
            if self.loop.time() >= say_again:
                await stream.listen(valkey)
                say_again = self.loop.time() + settings.EVENTS_OPEN_S / 4
            after = f"{self.backlog.last}-0"
            found = await valkey.xread({stream.STREAM: after}, count=CHUNK, block=BLOCK_MS)
            if found:
                self._take(found[0][1])
                await self._wake()

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

    # --- telling ------------------------------------------------------------------------------
    async def _wake(self) -> None:
        for number, listener in enumerate(list(self.listeners), 1):
            await listener.wake()
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)

    async def _wake_slow(self) -> None:
        while True:
            await asyncio.sleep(SLOW_EVERY_S)
            for listener in list(self.slow):
                await listener.wake()


def _prime() -> None:
    from accounts.programs import told

    stream.write(told.everything(), only_prime=True)
