"""The operations log, read back: the last lines, and those that come."""

import re
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import msgspec
import redis
import redis.asyncio
from django.conf import settings

from mt5monitor.operations.entry import Entry, Wanted
from mt5monitor.operations.keeping import SOCKET_S, STREAM

CHUNK = 500
BLOCK_MS = 5000
_decode = msgspec.json.Decoder(Entry).decode
Line = tuple[str, Entry]
"""With its id in the log."""


def is_id(text: str) -> bool:
    """Of a line, as the log gives them; "$" is the end of it."""
    return text == "$" or re.fullmatch(r"\d{1,20}-\d{1,20}", text, re.ASCII) is not None


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
    opened: Any = redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=SOCKET_S, socket_connect_timeout=SOCKET_S
    )
    with opened as client:
        before = "+"
        while lines := client.xrevrange(STREAM, max=before, count=CHUNK):
            for raw, fields in lines:
                yield raw.decode(), _decode(fields[b"line"])
            before = f"({lines[-1][0].decode()}"


async def coming(wanted: Wanted, after: str) -> AsyncGenerator[Line | None, None]:
    """Those after that id, as they come; None now and then while none does. Raises RedisError."""
    client: Any = redis.asyncio.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=SOCKET_S)
    try:
        while True:
            told = await client.xread({STREAM: after}, count=CHUNK, block=BLOCK_MS)
            if not told:
                yield None
                continue
            lines = [(raw.decode(), _decode(fields[b"line"])) for raw, fields in told[0][1]]
            after = lines[-1][0]
            found: list[Line | None] = [line for line in lines if wanted.takes(line[1])]
            # None too where others are wanted: a busy log must not keep whoever waits in silence.
            for line in found or [None]:
                yield line
    finally:
        await client.aclose()
