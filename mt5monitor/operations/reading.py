"""The operations log, read back: the last lines, and those that come."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
from django.conf import settings

from mt5monitor.operations.entry import Entry, Wanted
from mt5monitor.operations.keeping import STREAM
from mt5monitor.valkey import connect

CHUNK = 500
_decode = msgspec.json.Decoder(Entry).decode


class Mark(NamedTuple):
    """Where a line is in the log: its id, whose order is that of the lines."""

    ms: int = 0
    n: int = 0


Line = tuple[Mark, Entry]


def text_of(mark: Mark) -> str:
    return f"{mark.ms}-{mark.n}"


def mark_of(text: str) -> Mark | None:
    """None: it is none."""
    if re.fullmatch(r"\d{1,19}-\d{1,19}", text, re.ASCII) is None:
        return None
    return Mark(*map(int, text.split("-")))


def last(wanted: Wanted, count: int) -> list[Line]:
    """The newest first. Raises RedisError."""
    found: list[Line] = []
    for line in _backwards():
        if wanted.takes(line[1]):
            found.append(line)
            if len(found) == count:
                break
    return found


def _backwards() -> Iterator[Line]:
    opened: Any = connect(settings.REDIS_URL)
    with opened as client:
        before = "+"
        while lines := client.xrevrange(STREAM, max=before, count=CHUNK):
            for raw, fields in lines:
                yield _mark(raw), _decode(fields[b"line"])
            before = f"({lines[-1][0].decode()}"


async def end(valkey: Any) -> Mark:
    """Of the newest line. This and the next two raise RedisError."""
    newest = await valkey.xrevrange(STREAM, count=1)
    return _mark(newest[0][0]) if newest else Mark()


async def coming(valkey: Any, after: Mark, block_ms: int) -> list[Line]:
    """The next ones, as soon as there are any; none when there were none for so long."""
    told = await valkey.xread({STREAM: text_of(after)}, count=CHUNK, block=block_ms)
    return _lines(told[0][1]) if told else []


async def between(valkey: Any, after: Mark, upto: Mark, most: int) -> list[Line]:
    """The oldest first."""
    return _lines(await valkey.xrange(STREAM, f"({text_of(after)}", text_of(upto), count=most))


def _lines(raw: list[tuple[bytes, dict[bytes, bytes]]]) -> list[Line]:
    return [(_mark(mark), _decode(fields[b"line"])) for mark, fields in raw]


def _mark(raw: bytes) -> Mark:
    return Mark(*map(int, raw.split(b"-")))
