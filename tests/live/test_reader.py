"""Reading one source for all who listen."""

import asyncio
from contextlib import suppress
from typing import Any

from accounts.live.listener import Listener
from accounts.live.reader import SharedReader
from tests.live.page import PATIENCE_S


class Stubborn(SharedReader[Listener]):
    """Its first reading swallows its cancellation, and fails when it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.swallowed, self.let_go = asyncio.Event(), asyncio.Event()

    async def begin(self, valkey: Any) -> None:
        return

    async def follow(self, valkey: Any) -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        if not self.swallowed.is_set():
            self.swallowed.set()
            await self.let_go.wait()
            raise OSError("the connection is closed")
        raise asyncio.CancelledError


async def test_a_reading_that_outlived_its_end_disturbs_no_later_one() -> None:
    reader = Stubborn()
    await reader.begin_reading(PATIENCE_S)
    (first, *_) = reader._tasks
    reader.stop_reading()
    async with asyncio.timeout(PATIENCE_S):
        await reader.swallowed.wait()
    await reader.begin_reading(PATIENCE_S)
    reader.let_go.set()
    await asyncio.wait({first}, timeout=PATIENCE_S)
    assert first.done()
    assert reader.ready.is_set()
    assert not reader.is_away
    await reader.stop()
