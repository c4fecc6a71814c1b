"""Events as server-sent events: what a stream of one kind makes of them."""

import json
from abc import ABC, abstractmethod

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from accounts.events.follower import Follower
from accounts.events.streaming import follow
from accounts.live.access import Viewer
from accounts.live.current import current
from accounts.live.events import Event
from accounts.live.listener import EventListener
from mt5monitor.streams import event


class Feed(ABC):
    """What one kind of stream sends."""

    needs: str
    """The kind of event that its listener must be allowed to receive."""

    @abstractmethod
    async def made_of(self, events: list[Event], viewer: Viewer) -> list[tuple[str, str]]:
        """Return the (name, JSON) of what to send for these."""


class FeedFollower(Follower, EventListener):
    def __init__(
        self, viewer: Viewer, feed: Feed, interval: float, mark: tuple[str, int] | None = None
    ) -> None:
        """From after this mark on, or from now."""
        self._hub = current()
        super().__init__(self._hub, viewer, interval)
        self.hears = frozenset({feed.needs})
        self.wants_seen = False
        self._feed = feed
        self._mark = mark
        self._seen: tuple[float, dict[int, float]] | None = None

    def receive_seen(self, now: float, seen: dict[int, float]) -> None:
        if self.wants_seen:
            self._seen = (now, (self._seen[1] if self._seen else {}) | seen)
            self._news.set()

    def hello(self) -> bytes:
        if self._mark is not None:
            self.begin(*self._mark)
            return b""
        return self._marked("hello") if self.epoch else b""

    def has_more(self) -> bool:
        backlog = self._hub.backlog
        return bool(backlog.epoch) and (backlog.epoch, backlog.last) != (self.epoch, self.seq)

    async def said(self, now: float) -> bytes:
        part = b""
        if self._seen is not None:
            at, seen = self._seen
            self._seen = None
            part = event(json.dumps({"now": at, "agents": seen}), name="seen")
        if now < self.not_before or not self.has_more():
            return part
        told = await self._events()
        if told:
            self.not_before = now + self.interval
        return part + told

    async def _events(self) -> bytes:
        events = self.take(self._hub.backlog)
        if events is None:
            return self._marked("reload")
        seq = self.seq
        told = await self._feed.made_of(events, self.viewer) if events else []
        # The last one only has an id: of what is told together all is told again, or nothing.
        marks = [""] * (len(told) - 1) + [f"{self.epoch}:{seq}"]
        return b"".join(
            event(text, name=name, mark=mark)
            for (name, text), mark in zip(told, marks, strict=False)
        )

    def _marked(self, name: str) -> bytes:
        fields = {"epoch": self.epoch, "seq": self.seq}
        return event(json.dumps(fields), name=name, mark=f"{self.epoch}:{self.seq}")


def mark_of(text: str) -> tuple[str, int] | None:
    """Of a Last-Event-ID; one that is none of ours is answered by `reload`."""
    if not text:
        return None
    epoch, _, seq = text.partition(":")
    is_number = seq.isascii() and seq.isdecimal() and len(seq) < 17
    return (epoch[:64], int(seq)) if is_number else ("?", 0)


async def stream_of(request: HttpRequest, feed: Feed) -> HttpResponseBase:
    """The answer to who asks for it."""

    def follower(viewer: Viewer, interval: float) -> FeedFollower:
        mark = mark_of(request.headers.get("Last-Event-ID", ""))
        made = FeedFollower(viewer, feed, interval, mark)
        made.wants_seen = "seen" in request.GET
        return made

    return await follow(request, follower)
