"""One open stream of server-sent events: what happened within an interval is told together."""

import asyncio
import json
from abc import abstractmethod
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from accounts.live.access import Viewer
from accounts.live.frames import Refused
from accounts.live.listener import Listener
from accounts.live.reader import SharedReader
from mt5monitor import connected
from mt5monitor.streams import PING, event

PING_S = 15.0


class Follower(Listener):
    most = "EVENTS_PER_USER"

    def __init__(self, reader: SharedReader[Any], viewer: Viewer, interval: float) -> None:
        """`interval`: seconds between two times that it is told something."""
        super().__init__(viewer)
        self.reader = reader
        self.interval = interval
        self.not_before = 0.0  # of the loop's clock
        self._refusal: Refused | None = None
        self._news = asyncio.Event()

    async def wake(self) -> None:
        self._news.set()

    async def refuse(self, refusal: Refused) -> None:
        self._refusal = refusal
        self._news.set()

    @abstractmethod
    def hello(self) -> bytes:
        """What is said first; it has joined."""

    @abstractmethod
    def has_more(self) -> bool:
        """Whether there is something to say, now or when it is time."""

    @abstractmethod
    async def said(self, now: float) -> bytes:
        """What there is to say, if it is time. `now` is of the loop's clock."""

    async def follow(self) -> AsyncGenerator[bytes, None]:
        """Whoever reads this closes it, and with that it has left."""
        try:
            await self.reader.join(self)
        except Refused as refusal:
            yield _bye(refusal)
            return
        try:
            if hello := self.hello():
                yield hello
            with connected.counted(connected.STREAMS):
                async with aclosing(self._parts()) as parts:
                    async for part in parts:
                        yield part
        finally:
            self.reader.leave(self)

    async def _parts(self) -> AsyncGenerator[bytes, None]:
        clock = asyncio.get_running_loop().time
        ping_at = clock() + PING_S
        while True:
            self._news.clear()
            is_refused = self._refusal or self.forbidden()
            part = b"" if is_refused else await self.said(clock())
            if part:
                yield part
            elif clock() >= ping_at:
                yield PING
            if refusal := self._refusal or self.forbidden():
                yield _bye(refusal)
                return
            if part or clock() >= ping_at:
                ping_at = clock() + PING_S
            until = min(ping_at, self.not_before) if self.has_more() else ping_at
            try:
                async with asyncio.timeout_at(until):
                    await self._news.wait()
            except TimeoutError:
                pass


def _bye(refusal: Refused) -> bytes:
    return event(json.dumps({"code": refusal.code, "reason": refusal.reason}), name="bye")
