"""What all listeners have: a right to listen; those on a socket, a way to send; and those that
receive events, a mark up to which they have received them."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any

from autobahn.exception import Disconnected

from accounts.live.access import Viewer, forbidden
from accounts.live.events import Backlog, Event
from accounts.live.frames import Refused, goodbye, text
from accounts.live.rate_limit import RateLimit

log = logging.getLogger(__name__)

Send = Callable[[dict[str, Any]], Awaitable[None]]


class Listener(ABC):
    hears: frozenset[str]
    """The kinds of what it came for; one that may receive none of them does not listen."""
    most: str
    """The setting that says how many of these a user may open in a process."""
    too_many = "Too many are open for this user: {} at most."
    patience_s = 2.0
    """How long it waits for Valkey when it joins; after that it is let in without."""

    def __init__(self, viewer: Viewer) -> None:
        self.viewer = viewer

    def forbidden(self) -> Refused | None:
        """By what its viewer may receive, as found last."""
        return forbidden(self.viewer) if self.hears.isdisjoint(self.viewer.kinds) else None

    @abstractmethod
    async def refuse(self, refusal: Refused) -> None:
        """It may not listen any more."""

    async def wake(self) -> None:
        """There may be something for it."""
        return

    def is_behind(self, now: float) -> bool:
        """Whether it has not read for too long. `now` is of time.monotonic()."""
        return False

    def receive_seen(self, now: float, seen: dict[int, float]) -> None:
        """When agents were seen, for those who want to know; unix seconds."""
        return


class SocketListener(Listener):
    """Sends until it has left; one that fails or falls behind disturbs no other."""

    def __init__(self, viewer: Viewer, send: Send, frames: RateLimit) -> None:
        super().__init__(viewer)
        self.gone = False
        self._send = send
        self._frames = frames

    def may_speak(self) -> None:
        """Count a frame that came in. Raise Refused when there were too many."""
        self._frames.take()

    async def say(self, kind: str, **fields: Any) -> None:
        await self.send(text(kind, **fields))

    async def send(self, text: str) -> None:
        await self.pass_on({"type": "websocket.send", "text": text})

    async def pass_on(self, message: dict[str, Any]) -> None:
        """Send an ASGI message that may be shared between listeners."""
        if self.gone:
            return
        try:
            await self._send(message)
        except Disconnected:
            self.gone = True  # it left, and Daphne has not said so yet
        except Exception:
            # Whatever a connection does while it dies, the others get their frames.
            log.exception("live: sending to a socket failed")
            self.gone = True

    async def refuse(self, refusal: Refused) -> None:
        """One that does not even answer the close frame is disconnected by Daphne a second later,
        which also frees what it has not read."""
        for message in goodbye(refusal):
            await self.pass_on(message)
        self.gone = True


class EventListener(Listener):
    most = "EVENTS_PER_USER"

    def __init__(self, viewer: Viewer, *more: Any) -> None:
        super().__init__(viewer, *more)
        self.epoch, self.seq = "", 0

    def begin(self, epoch: str, seq: int) -> None:
        """From after this mark on."""
        self.epoch, self.seq = epoch, seq

    def take(self, backlog: Backlog, most: int | None = None) -> list[Event] | None:
        """Return what comes after its mark, which moves; None when that is not known any more, and
        then it begins again from now."""
        if not backlog.epoch:
            return []  # nothing was read from Valkey yet
        if not backlog.has(self.epoch, self.seq):
            self.begin(backlog.epoch, backlog.last)
            return None
        events = backlog.since(self.seq, most)
        if events:
            self.seq = events[-1].seq
        return events
