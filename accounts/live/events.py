"""Entries of the stream as this process has them, encoded once for all who receive them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

import msgspec

from accounts.live.message import Note

MAX_BYTES = 8 * 1024 * 1024  # of events
# Of rows; pages that ask for older ones are read again.
MAX_ROW_BYTES = 4 * 1024 * 1024
MAX_DELIVERED = 2000

Raws = dict[str, msgspec.Raw]
Html = dict[int, msgspec.Raw]
Fields = Mapping[bytes, bytes]
"""Of an entry of the stream."""


def note_of(fields: Fields) -> Note | None:
    return msgspec.json.decode(fields[b"note"], type=Note) if b"note" in fields else None


@dataclass(frozen=True)
class Event:
    """`kind` is empty where API clients receive nothing: only rows have changed, or a note."""

    epoch: str
    seq: int
    kind: str
    accounts: frozenset[int]
    body: str
    """Members of a JSON object, without braces."""

    @classmethod
    def of(cls, epoch: str, seq: int, fields: Fields) -> "Event":
        numbers = fields[b"accounts"].decode()
        accounts = frozenset(int(number) for number in numbers.split(",") if number)
        kind, body = fields[b"kind"].decode(), fields[b"body"].decode()
        return cls(epoch, seq, kind, accounts, body)

    @property
    def is_silent(self) -> bool:
        """Nothing that clients receive of the account differs; something of its positions may."""
        return self.kind == "account_update" and self.body.endswith('"data":{}')

    @cached_property
    def message(self) -> dict[str, Any]:
        """For a socket; shared by all."""
        mark = f'"epoch":"{self.epoch}","seq":{self.seq}'
        text = f'{{"type":"{self.kind}",{mark},{self.body}}}'
        return {"type": "websocket.send", "text": text}

    @property
    def read_at(self) -> datetime:
        """When what it carries began to be read."""
        return msgspec.json.decode(self.fields["timestamp"], type=datetime)

    @cached_property
    def fields(self) -> Raws:
        return msgspec.json.decode(f"{{{self.body}}}", type=Raws)


class Delivered(NamedTuple):
    """Rows of pages, as JSON strings; `is_resize`: the fleet has other rows than before."""

    rows: Html
    agents: Html
    is_resize: bool = False

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(len(memoryview(html)) for part in self[:2] for html in part.values())


class Backlog:
    """Every event after `first`, in order and without a gap, up to `last`; and the rows of those
    after `rows_from`. Bounded by their number and bytes."""

    def __init__(self) -> None:
        self.restart("", 0)

    def restart(self, epoch: str, seq: int) -> None:
        """Nothing is known before this mark."""
        self.epoch = epoch
        self.first = self.last = self.rows_from = seq
        self.mark = (epoch, seq)  # replaced as a whole: read from other threads
        self._events: list[Event] = []
        self._bytes = 0
        self._delivered: dict[int, Delivered] = {}  # by seq
        self._rows_bytes = 0

    def add(self, event: Event, most: int) -> None:
        if event.seq != self.last + 1:
            self.restart(self.epoch, event.seq - 1)
        self._events.append(event)
        self.last = event.seq
        self.mark = (self.epoch, event.seq)
        self._bytes += len(event.body)
        if len(self._events) > most * 1.25 or self._bytes > MAX_BYTES:
            self._forget(len(self._events) // 4 + 1)

    def _forget(self, count: int) -> None:
        self._bytes -= sum(len(event.body) for event in self._events[:count])
        self.first = self._events[count - 1].seq
        del self._events[:count]

    def prepend(self, events: list[Event]) -> None:
        """Add those just before the first one."""
        if events and events[-1].seq == self.first:
            self._events[:0] = events
            self.first = events[0].seq - 1
            self._bytes += sum(len(event.body) for event in events)

    def forget_events(self, seq: int) -> None:
        """Up to this one they are not complete."""
        if self.first < seq <= self.last:
            self._forget(seq - self.first)

    def has(self, epoch: str, seq: int) -> bool:
        """Return whether every event after that mark is here."""
        return epoch == self.epoch and self.first <= seq <= self.last

    def since(self, seq: int, most: int | None = None) -> list[Event]:
        start = seq - self.first
        return self._events[start : None if most is None else start + most]

    def deliver(self, delivered: Delivered) -> None:
        """Add the rows of the last event."""
        self._delivered[self.last] = delivered
        self._rows_bytes += delivered.size
        while self._rows_bytes > MAX_ROW_BYTES or len(self._delivered) > MAX_DELIVERED:
            oldest = next(iter(self._delivered))
            self.rows_from = max(self.rows_from, oldest)
            self._rows_bytes -= self._delivered.pop(oldest).size

    def forget_rows(self, seq: int) -> None:
        """Whatever rows came with events up to this one, they are not known."""
        self._delivered.clear()
        self._rows_bytes, self.rows_from = 0, seq

    def has_rows(self, epoch: str, seq: int) -> bool:
        """Return whether the rows of every event after that mark are here."""
        return bool(epoch) and epoch == self.epoch and seq >= self.rows_from

    def rows_since(
        self, epoch: str, seq: int, rows: frozenset[int], agents: frozenset[int]
    ) -> Delivered | None:
        """Return the latest of these rows after that mark; None when the page must read itself."""
        if not self.has_rows(epoch, seq):
            return None
        missed = Delivered({}, {})
        for shown in self._delivered_since(seq):
            if shown.is_resize:
                return None
            missed.rows.update((n, shown.rows[n]) for n in rows & shown.rows.keys())
            missed.agents.update((n, shown.agents[n]) for n in agents & shown.agents.keys())
        return missed

    def _delivered_since(self, seq: int) -> Iterator[Delivered]:
        return (shown for at, shown in self._delivered.items() if at > seq)
