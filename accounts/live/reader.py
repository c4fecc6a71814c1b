"""The listeners of this process to one source in Valkey, which is read once for all of them."""

import asyncio
import contextvars
import logging
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, TypeVar

from channels.db import database_sync_to_async
from django.conf import settings

from accounts.live import stream
from accounts.live.access import check
from accounts.live.frames import Refused
from accounts.live.listener import Listener
from mt5monitor.valkey import Backoff, connect_async

log = logging.getLogger(__name__)
T = TypeVar("T")
L = TypeVar("L", bound=Listener)
BLOCK_MS = settings.VALKEY_BLOCK_S * 1000
STOP_AGAIN_S = 0.1
AT_ONCE = 50  # listeners woken before others have a turn
# Work of this process that waits for a lock in the database must not let those listen on who were
# signed out.
_rights = ThreadPoolExecutor(1, "rights")
RIGHTS_FOR_S = 5.0  # after which a right to listen that could not be checked again counts no more


class SharedReader(ABC, Generic[L]):
    """A source is read while somebody listens. It says how: see Hub, and LogReader."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.listeners: set[L] = set()
        self.ready = asyncio.Event()  # while it reads
        self.is_away = False  # Valkey did not answer the last time
        self.valkey: Any = None  # while it reads
        self._open: Counter[tuple[str, int]] = Counter()
        self.checked_at = self.loop.time()  # when the last check of rights that ended began
        self._checked = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run it in a context of its own: in that of a request it would work on a thread of that
        request, and keep it."""
        return self.loop.create_task(work, context=contextvars.Context())

    # --- who listens --------------------------------------------------------------------------
    def admit(self, listener: L) -> None:
        """Raise Refused when it may receive nothing here, or its user listens too often already."""
        refusal = listener.forbidden()
        if refusal is not None:
            raise refusal
        most = getattr(settings, listener.most)
        if self._open[listener.most, listener.viewer.user_id] >= most:
            raise Refused(Refused.TOO_MANY, listener.too_many.format(most))

    async def join(self, listener: L) -> None:
        """From now on it receives what comes. Raise Refused."""
        self.admit(listener)
        self.add(listener)
        try:
            await self.let_in(listener)
        except BaseException:
            self.leave(listener)
            raise

    async def let_in(self, listener: L) -> None:
        """Have read what it came for."""
        await self.begin_reading(listener.patience_s)

    def add(self, listener: L) -> None:
        if not self.listeners:
            self.checked_at = self.loop.time()  # it was admitted just now
            self._checked.set()
        self._open[listener.most, listener.viewer.user_id] += 1
        self.listeners.add(listener)

    async def begin_reading(self, patience_s: float) -> None:
        """Read from now on; return when it does, or after `patience_s` without Valkey."""
        if not self._tasks:
            works = (self._run(), self._beat_on(), self._check_on(), *self.works())
            self._tasks = [self.start(work) for work in works]
        try:
            async with asyncio.timeout(patience_s):
                await self.ready.wait()
        except TimeoutError:
            pass

    def leave(self, listener: L) -> None:
        """Harmless when it has left already."""
        if listener not in self.listeners:
            return
        self.listeners.discard(listener)
        self._open[listener.most, listener.viewer.user_id] -= 1
        if not self.listeners:
            self._checked.set()
        if not self.is_wanted():
            self.stop_reading()

    async def drop(self, listener: L, refusal: Refused) -> None:
        await listener.refuse(refusal)
        self.leave(listener)

    def is_wanted(self) -> bool:
        """Whether anybody wants what is read here."""
        return bool(self.listeners)

    def stop_reading(self) -> None:
        """Nobody listens: nothing is read, and nothing costs anything."""
        for task in self._tasks:
            task.cancel()
        self._tasks = []
        self.ready.clear()
        self.is_away = False

    async def stop(self) -> None:
        """Stop reading, and wait until nothing of it runs any more."""
        tasks = self._tasks
        self.stop_reading()
        # Again and again: before Python 3.12 asyncio.wait_for may swallow a cancellation that
        # comes just when it is done.
        while pending := [task for task in tasks if not task.done()]:
            for task in pending:
                task.cancel()
            await asyncio.wait(pending, timeout=STOP_AGAIN_S)

    # --- the heartbeat ------------------------------------------------------------------------
    async def _beat_on(self) -> None:
        while self.is_current():
            await asyncio.sleep(settings.LIVE_BEAT_S)
            await self.beat()

    async def beat(self) -> None:
        """Do what is due at each heartbeat; nothing at all while nobody listens."""
        try:
            if self.listeners:
                await self.tick()
            elif not self.is_wanted():
                self.stop_reading()
        except Exception:
            log.exception("live: a heartbeat failed")

    async def tick(self) -> None:
        """Do what is due while somebody listens."""
        return

    # --- rights -------------------------------------------------------------------------------
    async def _check_on(self) -> None:
        """Apart from the heartbeat: no slow query of another kind puts a check off."""
        while self.is_current():
            await asyncio.sleep(settings.LIVE_BEAT_S)
            try:
                await self.check_rights()
            except Exception:
                log.exception("live: rights could not be checked")

    async def check_rights(self) -> None:
        """Check the right of each viewer once, however many listen by it; drop those who lost
        theirs, or the right to what they came for."""
        began = self.loop.time()
        viewers = {listener.viewer for listener in self.listeners}
        ask = database_sync_to_async(check, thread_sensitive=False, executor=_rights)
        refused = await ask(viewers) if viewers else {}
        for listener in list(self.listeners):
            refusal = refused.get(listener.viewer) or listener.forbidden()
            if refusal is not None:
                await self.drop(listener, refusal)
        self.checked_at = max(began, self.checked_at)
        self._checked.set()

    @property
    def are_rights_unknown(self) -> bool:
        """Whether nobody knows who was signed out since: the database does not answer."""
        longest = max(RIGHTS_FOR_S, 2 * settings.LIVE_BEAT_S)
        return bool(self.listeners) and self.loop.time() - self.checked_at > longest

    async def rights_are_known(self) -> None:
        """Wait for that, before anything is passed on."""
        while self.are_rights_unknown:
            self._checked.clear()
            await self._checked.wait()

    # --- the source ---------------------------------------------------------------------------
    def works(self) -> Iterable[Coroutine[Any, Any, None]]:
        """What else goes on, until cancelled, while it is read."""
        return ()

    @abstractmethod
    async def begin(self, valkey: Any) -> None:
        """Prepare, before the source is followed and again after each failure. Raise ERRORS."""

    @abstractmethod
    async def follow(self, valkey: Any) -> None:
        """Read until something fails. Raise ERRORS."""

    async def _run(self) -> None:
        backoff = Backoff()
        valkey = self.valkey = connect_async(settings.REDIS_URL, settings.VALKEY_BLOCK_S)
        try:
            while self.is_current():
                try:
                    await self.begin(valkey)
                    if not self.is_current():
                        return
                    self.is_away = False
                    self.ready.set()
                    await self.wake(self.listeners)
                    backoff.reset()
                    await self.follow(valkey)
                except stream.ERRORS as error:
                    self.is_away = self.is_away or self.is_current()
                    if backoff.is_fresh:
                        log.warning("Live updates paused: cannot reach Valkey (%s)", error)
                except Exception:
                    self.is_away = self.is_away or self.is_current()
                    log.exception("Live updates paused: what Valkey has could not be read")
                if not self.is_current():
                    return
                self.ready.clear()
                await asyncio.sleep(backoff.after_failure())
        finally:
            await valkey.aclose()

    def is_current(self) -> bool:
        """Before Python 3.12 a task that is cancelled just when it has an answer may go on."""
        return asyncio.current_task() in self._tasks

    async def wake(self, listeners: Iterable[Listener]) -> None:
        for number, listener in enumerate(list(listeners), 1):
            await listener.wake()
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
