"""The rows delivered of late, for pages that were rendered a moment before they listen."""

from collections import deque
from typing import NamedTuple

import msgspec

MAX_BYTES = 4 * 1024 * 1024
MAX_ENTRIES = 2000


class Missed(NamedTuple):
    rows: dict[int, msgspec.Raw]
    agents: dict[int, msgspec.Raw]


class _Entry(NamedTuple):
    seq: int
    rows: dict[int, msgspec.Raw]
    agents: dict[int, msgspec.Raw]
    resized: bool
    size: int


def _size(rows: dict[int, msgspec.Raw]) -> int:
    return sum(len(memoryview(html)) for html in rows.values())


class Backlog:
    """Bounded by bytes and entries; what has fallen out is answered by a re-read."""

    def __init__(self, seq: int) -> None:
        self._first = seq  # everything after this one is in here
        self._entries: deque[_Entry] = deque()
        self._bytes = 0

    def add(
        self, seq: int, rows: dict[int, msgspec.Raw], agents: dict[int, msgspec.Raw], resized: bool
    ) -> None:
        """`resized`: the fleet has other rows than before, so its pages must be read again."""
        entry = _Entry(seq, rows, agents, resized, _size(rows) + _size(agents))
        self._entries.append(entry)
        self._bytes += entry.size
        while self._bytes > MAX_BYTES or len(self._entries) > MAX_ENTRIES:
            oldest = self._entries.popleft()
            self._bytes -= oldest.size
            self._first = oldest.seq

    def since(self, seq: int, rows: frozenset[int], agents: frozenset[int]) -> Missed | None:
        """The latest of these rows since `seq`; None when that cannot be told any more."""
        if seq < self._first:
            return None
        missed = Missed({}, {})
        for entry in self._entries:
            if entry.seq <= seq:
                continue
            if entry.resized:
                return None
            missed.rows.update((n, entry.rows[n]) for n in rows & entry.rows.keys())
            missed.agents.update((n, entry.agents[n]) for n in agents & entry.agents.keys())
        return missed
