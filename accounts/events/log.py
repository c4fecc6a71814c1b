"""The operations log as server-sent events: read once a process for all who follow it."""

import asyncio
import json
from collections import deque
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, takewhile
from typing import Any

from django.template.loader import render_to_string

from accounts.events.follower import Follower
from accounts.live.access import Viewer
from accounts.live.reader import BLOCK_MS, SharedReader
from mt5monitor.operations import reading
from mt5monitor.operations.entry import Entry, Wanted
from mt5monitor.operations.reading import Mark
from mt5monitor.streams import event
from mt5monitor.valkey import ERRORS

KEPT = 1000  # lines, for those who are told at intervals
AT_ONCE = 100  # lines looked at before others have a turn


@dataclass(frozen=True)
class Line:
    mark: Mark
    entry: Entry

    @cached_property
    def told(self) -> bytes:
        """The row that the page would have shown; made once for all who are told."""
        row = render_to_string("accounts/_log_line.html", {"entry": self.entry})
        return event(row.strip(), name="line", mark=reading.text_of(self.mark))


class LogReader(SharedReader["LogFollower"]):
    """The end of the log: all `lines` after `first`, up to `last`."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: deque[Line] = deque()
        self.first = self.last = Mark()
        self._reading_back = asyncio.Lock()

    async def begin(self, valkey: Any) -> None:
        """At the end; who was told less reads back."""
        self.lines.clear()
        self.first = self.last = await reading.end(valkey)

    async def follow(self, valkey: Any) -> None:
        while self.is_current():
            found = await reading.coming(valkey, self.last, BLOCK_MS)
            await self.rights_are_known()
            for mark, entry in found:
                self.lines.append(Line(mark, entry))
                self.last = mark
            while len(self.lines) > KEPT:
                self.first = self.lines.popleft().mark
            if found:
                await self.wake(self.listeners)

    async def after(self, mark: Mark) -> tuple[list[Line], Mark]:
        """The next few, and up to where these are all there are. Raise ERRORS."""
        if mark < self.first:
            # Not cancelled with whoever waits for it, who then never waits on: see is_current.
            return await asyncio.shield(self.start(self._read_back(mark)))
        newer = [*takewhile(lambda line: line.mark > mark, reversed(self.lines))]
        lines = [*islice(reversed(newer), AT_ONCE)]
        return lines, lines[-1].mark if lines else mark

    async def _read_back(self, mark: Mark) -> tuple[list[Line], Mark]:
        async with self._reading_back:  # one connection more, however many come back
            upto = self.first
            found = await reading.between(self.valkey, mark, upto, AT_ONCE)
        return [Line(*line) for line in found], found[-1][0] if len(found) == AT_ONCE else upto


class LogFollower(Follower):
    hears = frozenset({"line"})

    def __init__(
        self, viewer: Viewer, interval: float, wanted: Wanted, mark: Mark | None = None
    ) -> None:
        """From after this mark on, or from now."""
        self._source = current()
        super().__init__(self._source, viewer, interval)
        self._wanted = wanted
        self._mark = mark

    def hello(self) -> bytes:
        if self._mark is not None or not self._source.ready.is_set():
            return b""
        self._mark = self._source.last
        after = reading.text_of(self._mark)
        return event(json.dumps({"after": after}), name="hello", mark=after)

    def has_more(self) -> bool:
        return self._source.ready.is_set() and (
            self._mark is None or self._mark < self._source.last
        )

    async def said(self, now: float) -> bytes:
        if not self.has_more() or now < self.not_before:
            return b""
        if self._mark is None:
            return self.hello()
        try:
            lines, self._mark = await self._source.after(self._mark)
        except ERRORS:
            self.not_before = now + self.interval
            return b""
        told = b"".join(line.told for line in lines if self._wanted.takes(line.entry))
        if told and not self.has_more():
            self.not_before = now + self.interval
        return told


_current: LogReader | None = None


def current() -> LogReader:
    """Return the one on the running loop, made when there is none."""
    global _current
    if _current is None or _current.loop is not asyncio.get_running_loop():
        _current = LogReader()
    return _current
