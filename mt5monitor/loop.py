"""The one background event loop of a process.

Network clients live on it for as long as the process does; synchronous code hands coroutines
to it. It starts on first use, on a daemon thread, and a forked child gets one of its own.
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import logging
import os
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")
Closer = Callable[[], Awaitable[object]]

STOP_TIMEOUT = 5.0
# Looking up a name blocks a thread for as long as DNS takes; asyncio's own 6 on a small machine
# would have the agents behind a dead name server delay all the others.
THREADS = 32


class _Background:
    """An event loop running on its own thread, and what to close before it ends."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.threads = ThreadPoolExecutor(THREADS, thread_name_prefix="background-loop")
        self.loop.set_default_executor(self.threads)
        self.closers: list[Closer] = []
        self.thread = threading.Thread(
            target=_serve, args=[self.loop], name="background-loop", daemon=True
        )
        self.thread.start()

    def end(self, timeout: float) -> None:
        """Cancel, close, stop; whatever is not done after `timeout` seconds is left behind."""
        give_up = time.monotonic() + timeout
        closing = asyncio.run_coroutine_threadsafe(self._close(timeout * 0.8), self.loop)
        try:
            closing.result(timeout)
        except TimeoutError:
            log.warning("background loop: not everything ended within %s s", timeout)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(max(0.1, give_up - time.monotonic()))
        self.threads.shutdown(wait=False, cancel_futures=True)
        if not self.thread.is_alive():
            self.loop.close()

    async def _close(self, timeout: float) -> None:
        """Tasks end first: what they use is closed only after the last of them let go of it."""
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=timeout / 2)
        closers = [asyncio.ensure_future(closer()) for closer in reversed(self.closers)]
        if closers:
            done, late = await asyncio.wait(closers, timeout=timeout / 2)
            for task in late:
                task.cancel()
            for task in done:
                if not task.cancelled() and (error := task.exception()):
                    log.error("background loop: closing failed", exc_info=error)
        await self.loop.shutdown_asyncgens()


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    loop.run_forever()


_lock = threading.Lock()
_background: _Background | None = None
_inherited: list[_Background] = []


def _forget_parents_loop() -> None:
    """After a fork only the calling thread lives on: the parent's loop does not run here.

    It is kept, and by its closers the clients on it, neither closed nor collected: the selector
    is shared with the parent, and a connection that is let go of here is deaf there.
    """
    global _background, _lock
    _lock = threading.Lock()
    if _background is not None:
        _inherited.append(_background)
        _background = None


os.register_at_fork(after_in_child=_forget_parents_loop)


def _running() -> _Background:
    global _background
    with _lock:
        if _background is None:
            _background = _Background()
        return _background


def current() -> asyncio.AbstractEventLoop:
    """Return the background loop of this process; it starts when it does not run yet."""
    return _running().loop


def submit(coro: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
    """Start `coro` on the background loop; its result or error is in the future."""
    return asyncio.run_coroutine_threadsafe(coro, _running().loop)


def run(coro: Coroutine[Any, Any, T], timeout: float | None = None) -> T:
    """The result of `coro`, run on the background loop, for synchronous code.

    Raise what it raises; TimeoutError after `timeout` seconds, when it is cancelled. Raise
    RuntimeError on the loop's own thread, which would wait for itself: await there instead.
    """
    if threading.current_thread() is _running().thread:
        coro.close()
        raise RuntimeError("run() was called on the background loop itself: await the coroutine")
    future = submit(coro)
    try:
        return future.result(timeout)
    except BaseException:
        # Also for Ctrl-C while waiting: nobody will read the result any more.
        future.cancel()
        raise


def on_stop(closer: Closer) -> None:
    """Have `closer` awaited on the loop by stop(), the last registered first."""
    _running().closers.append(closer)


def stop(timeout: float = STOP_TIMEOUT) -> None:
    """Cancel what runs, close what was registered, end the thread; within `timeout` seconds.

    Harmless when nothing runs. The next use starts a new loop.
    """
    global _background
    with _lock:
        background, _background = _background, None
    if background is None:
        return
    if threading.current_thread() is background.thread:
        raise RuntimeError("stop() was called on the background loop itself: call it elsewhere")
    background.end(timeout)


atexit.register(stop)
