"""Work that is asked for often and done once in a while."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)


class Throttle:
    """Runs `act` when asked: at once, but `every` seconds apart; asks meanwhile are one."""

    def __init__(self, act: Callable[[], Awaitable[None]], every: float) -> None:
        self._act = act
        self._every = every
        self._asked = False
        self._not_before = 0.0
        self._task: asyncio.Task[None] | None = None

    def ask(self) -> None:
        self._asked = True
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._asked:
                # Sleeping for nothing still lets what has arrived already come into this run.
                await asyncio.sleep(max(0.0, self._not_before - loop.time()))
                self._asked = False
                self._not_before = loop.time() + self._every
                await self._act_once()
        finally:
            self._task = None

    async def _act_once(self) -> None:
        try:
            await self._act()
        except Exception:
            log.exception("live: %s failed", self._act)
