"""Those who listen in this process to one source, which is read once for all of them.

A source is read while somebody listens. It says how: see Hub, and Tail in log.py.
"""

import asyncio
import contextvars
import logging
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Coroutine
from typing import Any, Generic, TypeVar

from channels.db import database_sync_to_async
from django.conf import settings

from accounts.events import stream
from accounts.events.access import check
from accounts.events.listener import Listener
from accounts.live.frames import Refused
from mt5monitor.valkey import Backoff, connect_async

log = logging.getLogger(__name__)
T = TypeVar("T")
L = TypeVar("L", bound=Listener)
READY_WITHIN_S = 2.0
BLOCK_MS = settings.VALKEY_BLOCK_S * 1000
AT_ONCE = 50  # listeners woken before others have a turn


class Circle(ABC, Generic[L]):
    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.listeners: set[L] = set()
        self.ready = asyncio.Event()  # while it reads
        self._users: Counter[int] = Counter()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """In a context of its own: in that of a request it would work on a thread of that request,
        and keep it."""
        return self.loop.create_task(work, context=contextvars.Context())

    # --- who listens --------------------------------------------------------------------------
    def admit(self, listener: L) -> None:
        """Raises Refused when it may hear nothing here, or its user listens too often already."""
        refusal = listener.forbidden()
        if refusal is not None:
            raise refusal
        if self._users[listener.holder.user_id] >= settings.EVENTS_PER_USER:
            most = f"{settings.EVENTS_PER_USER} at most"
            raise Refused(Refused.TOO_MANY, f"Too many are open for this user: {most}.")

    async def join(self, listener: L) -> None:
        """From now on it is told. Raises Refused."""
        self.admit(listener)
        self._users[listener.holder.user_id] += 1
        self.listeners.add(listener)
        if not self._tasks:
            self._tasks = [self.start(one) for one in (self._run(), *self.works())]
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                await self.ready.wait()
        except TimeoutError:
            pass  # without Valkey it is told as soon as there is one
        except BaseException:
            self.leave(listener)
            raise

    def leave(self, listener: L) -> None:
        """Harmless when it has left already."""
        if listener not in self.listeners:
            return
        self.listeners.discard(listener)
        self._users[listener.holder.user_id] -= 1
        if not self.listeners:
            self._stop()

    async def check_rights(self) -> None:
        """Of each right once, however many listen by it; those without one leave."""
        holders = {listener.holder for listener in self.listeners}
        if not holders:
            return
        refused = await database_sync_to_async(check)(holders)
        for listener in list(self.listeners):
            refusal = refused.get(listener.holder) or listener.forbidden()
            if refusal is not None:
                await listener.refuse(refusal)
                self.leave(listener)

    def _stop(self) -> None:
        """Nobody listens: nothing is read, and nothing costs anything."""
        for task in self._tasks:
            task.cancel()
        self._tasks = []
        self.ready.clear()

    # --- the source ---------------------------------------------------------------------------
    @abstractmethod
    def works(self) -> list[Coroutine[Any, Any, None]]:
        """What else goes on, until cancelled, while somebody listens."""

    @abstractmethod
    async def begin(self, valkey: Any) -> None:
        """Before the source is followed, again after each failure. Raises stream.ERRORS."""

    @abstractmethod
    async def follow(self, valkey: Any) -> None:
        """Until something fails. Raises stream.ERRORS."""

    async def _run(self) -> None:
        backoff = Backoff()
        valkey = connect_async(settings.REDIS_URL, settings.VALKEY_BLOCK_S)
        try:
            while self.is_current():
                try:
                    await self.begin(valkey)
                    self.ready.set()
                    await self.wake()
                    backoff.reset()
                    await self.follow(valkey)
                except stream.ERRORS as error:
                    if backoff.is_fresh:
                        log.warning("Programs wait for Valkey: %s", error)
                except Exception:
                    log.exception("Programs could not be told what Valkey has for them")
                self.ready.clear()
                await asyncio.sleep(backoff.after_failure())
        finally:
            await valkey.aclose()

    def is_current(self) -> bool:
        """Before Python 3.12 a task that is cancelled just when it has an answer may go on."""
        return asyncio.current_task() in self._tasks

    async def wake(self) -> None:
        for number, listener in enumerate(list(self.listeners), 1):
            await listener.wake()
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
