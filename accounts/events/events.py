"""Events as this process has them: the end of the stream, encoded once for all who hear them."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import msgspec

MAX_BYTES = 8 * 1024 * 1024

Raws = dict[str, msgspec.Raw]


@dataclass(frozen=True)
class Event:
    epoch: str
    seq: int
    kind: str
    accounts: frozenset[int]
    body: str
    """Members of a JSON object, without braces."""

    @classmethod
    def of(cls, epoch: str, seq: int, fields: dict[bytes, bytes]) -> "Event":
        numbers = fields[b"accounts"].decode()
        accounts = frozenset(int(number) for number in numbers.split(",") if number)
        return cls(epoch, seq, fields[b"kind"].decode(), accounts, fields[b"body"].decode())

    @property
    def is_silent(self) -> bool:
        """Nothing that is told of the account differs; something of its positions may."""
        return self.kind == "account_update" and self.body.endswith('"data":{}')

    @cached_property
    def message(self) -> dict[str, Any]:
        """For a socket; shared by all."""
        mark = f'"epoch":"{self.epoch}","seq":{self.seq}'
        text = f'{{"type":"{self.kind}",{mark},{self.body}}}'
        return {"type": "websocket.send", "text": text}

    @property
    def told_at(self) -> datetime:
        """When it began to be read what it tells."""
        return msgspec.json.decode(self.fields["timestamp"], type=datetime)

    @cached_property
    def fields(self) -> Raws:
        return msgspec.json.decode(f"{{{self.body}}}", type=Raws)


class Backlog:
    """Everything after `first`, in order and without a gap, up to `last`."""

    def __init__(self, epoch: str = "", seq: int = 0) -> None:
        self.epoch = epoch
        self.first = self.last = seq
        self._events: list[Event] = []
        self._bytes = 0

    def add(self, event: Event, most: int) -> None:
        if event.seq != self.last + 1:
            self._events.clear()
            self.first, self._bytes = event.seq - 1, 0
        self._events.append(event)
        self.last = event.seq
        self._bytes += len(event.body)
        if len(self._events) > most * 1.25 or self._bytes > MAX_BYTES:
            self._forget(len(self._events) // 4 + 1)

    def _forget(self, count: int) -> None:
        self._bytes -= sum(len(event.body) for event in self._events[:count])
        self.first = self._events[count - 1].seq
        del self._events[:count]

    def has(self, epoch: str, seq: int) -> bool:
        """Whether everything after that mark is here."""
        return epoch == self.epoch and self.first <= seq <= self.last

    def since(self, seq: int, most: int | None = None) -> list[Event]:
        start = seq - self.first
        return self._events[start : None if most is None else start + most]
