"""What all who listen have: a right to; and those who hear events, a mark up to which they were
told."""

from abc import ABC, abstractmethod

from accounts.events.access import FORBIDDEN, Holder
from accounts.events.events import Backlog, Event
from accounts.live.frames import Refused


class Listener(ABC):
    hears: frozenset[str]
    """The kinds of what it came for; who may hear none of them does not listen."""

    def __init__(self, holder: Holder) -> None:
        self.holder = holder

    def forbidden(self) -> Refused | None:
        """By what was found of its holder last."""
        if self.hears.isdisjoint(self.holder.kinds):
            return Refused(Refused.FORBIDDEN, FORBIDDEN)
        return None

    @abstractmethod
    async def wake(self) -> None:
        """There may be something for it."""

    @abstractmethod
    async def refuse(self, refusal: Refused) -> None:
        """It may not listen any more."""


class EventListener(Listener):
    """Of a Hub."""

    def __init__(self, holder: Holder) -> None:
        super().__init__(holder)
        self.epoch, self.seq = "", 0

    def begin(self, epoch: str, seq: int) -> None:
        """From after this mark on."""
        self.epoch, self.seq = epoch, seq

    def take(self, backlog: Backlog, most: int | None = None) -> list[Event] | None:
        """What comes after its mark, which moves; None when that cannot be told any more, and then
        it begins anew."""
        if not backlog.epoch:
            return []  # nothing was heard of Valkey yet
        if not backlog.has(self.epoch, self.seq):
            self.begin(backlog.epoch, backlog.last)
            return None
        events = backlog.since(self.seq, most)
        if events:
            self.seq = events[-1].seq
        return events

    def is_behind(self, now: float) -> bool:
        """Whether it has not read for too long. `now` is of time.monotonic()."""
        return False

    def hear_seen(self, now: float, seen: dict[int, float]) -> None:
        """When agents were heard, for those who want to know; unix seconds."""
        return
