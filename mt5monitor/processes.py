"""What each process of the site counts, where every other process can read it.

A process writes its counts into Valkey every few seconds; nothing goes to the database. Entries of
processes that ended are ignored by their age, and removed by the next process that starts.
"""

import asyncio
import logging
import os
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import redis
from django.conf import settings

from mt5monitor import loop
from mt5monitor.valkey import connect, connect_async

log = logging.getLogger(__name__)

BOARD = "mt5monitor:processes"  # a hash in Valkey: host and process id to an entry
EVERY_S = 5.0
KEPT_S = 30.0  # an older entry is of a process that ended

Sources = Mapping[str, Callable[[], object]]


class Entry(msgspec.Struct, frozen=True):
    """`at` and `since` are unix seconds by the clock of the process's host, which may be wrong;
    `seen` is when the entry was written by that of Valkey, 0 in what an older release wrote."""

    process: str
    host: str
    pid: int
    since: float
    at: float
    counts: dict[str, Any]
    seen: float = 0.0


_decoder = msgspec.json.Decoder(Entry)
_own: "Own | None" = None


class Own:
    """This process, as it publishes itself."""

    def __init__(self, process: str, sources: Sources) -> None:
        self.process, self.sources = process, sources
        self.host, self.pid, self.since = socket.gethostname(), os.getpid(), time.time()

    @property
    def field(self) -> str:
        return f"{self.host}:{self.pid}"

    def entry(self, seen: float = 0.0) -> Entry:
        counts = {name: msgspec.to_builtins(source()) for name, source in self.sources.items()}
        return Entry(self.process, self.host, self.pid, self.since, time.time(), counts, seen)

    async def publish(self) -> None:
        """Until cancelled. Without Valkey it tries again; the counts themselves stay here."""
        async with connect_async(settings.REDIS_URL) as valkey:
            forgotten = False
            while True:
                try:
                    if not forgotten:
                        await _forget_ended(valkey)
                        forgotten = True
                    entry = self.entry(_seconds(await valkey.time()))
                    await valkey.hset(BOARD, self.field, msgspec.json.encode(entry))
                except (redis.RedisError, OSError) as error:
                    log.debug("Process %s could not publish its counts: %s", self.process, error)
                except Exception:
                    log.exception("Process %s could not publish its counts", self.process)
                await asyncio.sleep(EVERY_S)


def start(process: str, sources: Sources) -> None:
    """Publish the counts of this process from now on. Harmless when it does so already."""
    global _own
    if _own is None or _own.pid != os.getpid():
        _own = Own(process, sources)
        loop.submit(_own.publish())


def running() -> list[Entry]:
    """Return the entry of each process that runs, this one's as of now. Raise redis.RedisError."""
    with connect(settings.REDIS_URL) as valkey:
        found: Any = valkey.hgetall(BOARD)
        now = _seconds(valkey.time())
    live = {field.decode(): entry for field, text in found.items() if (entry := _live(text, now))}
    if _own is not None and _own.pid == os.getpid():
        live[_own.field] = _own.entry()
    return sorted(live.values(), key=lambda entry: (entry.process, entry.host, entry.pid))


async def _forget_ended(valkey: Any) -> None:
    found = await valkey.hgetall(BOARD)
    now = _seconds(await valkey.time())
    ended = [field for field, text in found.items() if _live(text, now) is None]
    if ended:
        await valkey.hdel(BOARD, *ended)


def _seconds(told: Any) -> float:
    """Unix seconds by Valkey's clock, of what its TIME answers."""
    seconds, microseconds = told
    return float(seconds) + float(microseconds) / 1e6


def _live(text: bytes, now: float) -> Entry | None:
    """The entry; None when its process has ended, or is of a release that writes it differently."""
    try:
        entry = _decoder.decode(text)
    except msgspec.DecodeError:
        return None
    return entry if abs(now - (entry.seen or entry.at)) <= KEPT_S else None
