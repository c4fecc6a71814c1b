"""One open stream of server-sent events: what happened within an interval is told together."""

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator

from accounts import programs
from accounts.live.frames import Refused
from accounts.programs.access import Holder
from accounts.programs.events import Event
from accounts.programs.listener import Listener
from mt5monitor.streams import PING, event

PING_S = 15.0


class Feed(ABC):
    """What one kind of stream tells."""

    needs: str
    """The kind of event that its listener must be allowed to hear."""

    @abstractmethod
    async def told(self, events: list[Event], holder: Holder) -> list[tuple[str, str]]:
        """The (name, JSON) of what to say of these."""


class Follower(Listener):
    def __init__(self, holder: Holder, feed: Feed, interval: float, wants_seen: bool) -> None:
        """`interval`: seconds between two times that it is told something."""
        super().__init__(holder)
        self._feed = feed
        self._interval = interval
        self._wants_seen = wants_seen
        self._seen: tuple[float, dict[int, float]] | None = None
        self._refusal: Refused | None = None
        self._news = asyncio.Event()
        self._not_before = 0.0

    async def wake(self) -> None:
        self._news.set()

    async def refuse(self, refusal: Refused) -> None:
        self._refusal = refusal
        self._news.set()

    def hear_seen(self, now: float, seen: dict[int, float]) -> None:
        if self._wants_seen:
            self._seen = (now, (self._seen[1] if self._seen else {}) | seen)
            self._news.set()

    async def follow(self, mark: tuple[str, int] | None) -> AsyncIterator[bytes]:
        """From after this mark on, or from now."""
        hub = programs.current()
        try:
            await hub.join(self)
        except Refused as refusal:
            yield _bye(refusal)
            return
        try:
            if mark is not None:
                self.begin(*mark)
            elif self.epoch:
                yield self._marked("hello")
            async for part in self._parts():
                yield part
        finally:
            hub.leave(self)

    async def _parts(self) -> AsyncIterator[bytes]:
        clock = asyncio.get_running_loop().time
        ping_at = clock() + PING_S
        while True:
            self._news.clear()
            part = await self._said(clock())
            if part:
                yield part
            elif clock() >= ping_at:
                yield PING
            if self._refusal is not None:
                yield _bye(self._refusal)
                return
            if part or clock() >= ping_at:
                ping_at = clock() + PING_S
            until = min(ping_at, self._not_before) if self._has_more() else ping_at
            try:
                async with asyncio.timeout_at(until):
                    await self._news.wait()
            except TimeoutError:
                pass

    def _has_more(self) -> bool:
        backlog = programs.current().backlog
        return bool(backlog.epoch) and (backlog.epoch, backlog.last) != (self.epoch, self.seq)

    async def _said(self, now: float) -> bytes:
        """What there is to say, if it is time."""
        part = b""
        if self._seen is not None:
            at, seen = self._seen
            self._seen = None
            part = event(json.dumps({"now": at, "agents": seen}), name="seen")
        if now < self._not_before or not self._has_more():
            return part
        if self._feed.needs not in self.holder.kinds:
            self._refusal = Refused(Refused.FORBIDDEN, "You may not hear this any more.")
            return b""
        told = await self._events()
        if told:
            self._not_before = now + self._interval
        return part + told

    async def _events(self) -> bytes:
        events = self.take(programs.current().backlog)
        if events is None:
            return self._marked("reload")
        seq = self.seq
        told = await self._feed.told(events, self.holder) if events else []
        # The last one only has an id: of what is told together all is told again, or nothing.
        marks = [""] * (len(told) - 1) + [f"{self.epoch}:{seq}"]
        return b"".join(
            event(text, name=name, mark=mark)
            for (name, text), mark in zip(told, marks, strict=False)
        )

    def _marked(self, name: str) -> bytes:
        fields = {"epoch": self.epoch, "seq": self.seq}
        return event(json.dumps(fields), name=name, mark=f"{self.epoch}:{self.seq}")


def _bye(refusal: Refused) -> bytes:
    return event(json.dumps({"code": refusal.code, "reason": refusal.reason}), name="bye")


def mark_of(text: str) -> tuple[str, int] | None:
    """Of a Last-Event-ID; one that is none of ours is answered by `reload`."""
    if not text:
        return None
    epoch, _, seq = text.partition(":")
    is_number = seq.isascii() and seq.isdecimal() and len(seq) < 17
    return (epoch[:64], int(seq)) if is_number else ("?", 0)
