"""A number of calls that may run at once; the others wait their turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from accounts.agents.errors import PoolTimedOut


class Slots:
    """`setting` is what raises `count`, for the sentence of one that waited in vain."""

    def __init__(self, count: int, setting: str) -> None:
        self.in_use = 0
        self.waiting = 0
        self._count = count
        self._setting = setting
        self._free = asyncio.Semaphore(count)

    @asynccontextmanager
    async def taken(self, seconds: float | None) -> AsyncIterator[None]:
        """Raise PoolTimedOut when none comes free within `seconds`; None waits for ever."""
        await self._wait(seconds)
        self.in_use += 1
        try:
            yield
        finally:
            self.in_use -= 1
            self._free.release()

    async def _wait(self, seconds: float | None) -> None:
        if not self._free.locked():
            await self._free.acquire()
            return
        self.waiting += 1
        try:
            async with asyncio.timeout(seconds):
                await self._free.acquire()
        except TimeoutError as error:
            raise PoolTimedOut(
                f"All {self._count} slots of the client were busy for {seconds:g} s; "
                f"the agent was not asked. Raise {self._setting}."
            ) from error
        finally:
            self.waiting -= 1
