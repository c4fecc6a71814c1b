"""How a terminal is called: at once where calls cannot block, through a thread where they can."""

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from agent.errors import TerminalTimeout
from agent.records import MetaTrader5

T = TypeVar("T")
Job = Callable[[MetaTrader5], T]


class Terminal(Protocol):
    """One terminal; `run` gives the job's result or raises what the job raised.

    `deadline` is how long to wait in seconds, when it is not the terminal's own.
    """

    async def run(self, job: Job[T], deadline: float | None = None) -> T: ...


class DirectTerminal:
    """Runs a job on the spot.

    For simulated terminals only: they compute for a few microseconds and never wait, while handing
    a job to a thread and back costs tens of microseconds, and 5,000 threads cost a lot more.
    """

    __slots__ = ("module",)

    def __init__(self, module: MetaTrader5) -> None:
        self.module = module

    async def run(self, job: Job[T], deadline: float | None = None) -> T:
        return job(self.module)


class ThreadedTerminal:
    """Runs every job on one thread of its own, one after the other, each under a deadline.

    The real module holds one connection a process and blocks while the terminal is busy (`connect`
    may take a minute). The thread is a daemon: one that hangs in the terminal never keeps the
    process alive. A job whose caller gave up may still be executed; its result is dropped.
    """

    def __init__(self, connect: Callable[[], MetaTrader5], deadline: float = 8.0) -> None:
        self.connect = connect
        self.deadline = deadline
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._module: MetaTrader5 | None = None
        self._busy_since: float | None = None
        self._thread = threading.Thread(target=self._work, name="terminal", daemon=True)
        self._thread.start()

    async def run(self, job: Job[T], deadline: float | None = None) -> T:
        """Raises `TerminalTimeout` after `deadline` seconds, at once when the thread is stuck."""
        patience = self.deadline if deadline is None else deadline
        busy_since = self._busy_since
        if busy_since is not None and time.monotonic() - busy_since > self.deadline:
            raise TerminalTimeout("an earlier call to the terminal has not returned")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        self._jobs.put(lambda: self._answer(job, loop, answer))
        try:
            async with asyncio.timeout(patience):
                return await answer
        except TimeoutError as error:
            raise TerminalTimeout(f"the terminal gave no answer in {patience:g} s") from error

    def close(self) -> None:
        """Let the thread end after the jobs it already has; does not wait for it."""
        self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._busy_since = time.monotonic()
            job()
            self._busy_since = None

    def _answer(
        self, job: Job[T], loop: asyncio.AbstractEventLoop, answer: asyncio.Future[T]
    ) -> None:
        if answer.cancelled():
            return
        set_answer: Callable[[Any], None] = answer.set_result
        result: Any
        try:
            if self._module is None:
                self._module = self.connect()
            result = job(self._module)
        # Whatever a job raises belongs to its caller, not to the thread that serves all callers.
        except BaseException as error:  # noqa: BLE001
            set_answer, result = answer.set_exception, error
        # The loop may have closed meanwhile: then nobody is left to be told.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(lambda: None if answer.done() else set_answer(result))
