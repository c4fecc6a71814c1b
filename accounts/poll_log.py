"""The recent polls of each agent and the statistics of each process's pool, in Valkey.

They change with every poll and are looked at now and then, so they are no rows: an unchanged sweep
writes none. They are a help to people, never the truth; without Valkey they are simply not known.
"""

import logging
import os
import socket
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec
import redis
from django.conf import settings

from accounts.agents import client
from mt5monitor.valkey import connect

log = logging.getLogger(__name__)
PREFIX = "mt5monitor:polls:"
POOLS = "mt5monitor:pool:"
INTERVALS = "mt5monitor:intervals"
KEEP_S = 7 * 86_400
POOL_SILENT_S = 120
# One command for a whole batch: three commands a poll cost more than all else that is done with it.
_REMEMBER = """
for i, key in ipairs(KEYS) do
    redis.call('LPUSH', key, ARGV[i + 2])
    redis.call('LTRIM', key, 0, ARGV[1])
    redis.call('EXPIRE', key, ARGV[2])
end
"""


class Poll(msgspec.Struct, frozen=True, array_like=True):
    """One poll: when it began (unix s), the error's name or "", how long it took."""

    began: float
    code: str
    latency_ms: float

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(self.began, UTC)


@lru_cache
def _valkey(url: str, pid: int) -> "redis.Redis":
    # By process: a connection must not cross a fork.
    return connect(url)


def _connection() -> "redis.Redis":
    return _valkey(settings.REDIS_URL, os.getpid())


def remember(polls: Mapping[int, Poll]) -> None:
    """Adds one poll of each of these agents, and what this process's pool has done so far."""
    try:
        connection = _connection()
        keys = [f"{PREFIX}{agent_id}" for agent_id in polls]
        entries = [msgspec.json.encode(poll) for poll in polls.values()]
        connection.eval(_REMEMBER, len(keys), *keys, settings.RECENT_POLLS - 1, KEEP_S, *entries)
        _remember_pool(connection)
    except redis.RedisError as error:
        log.warning("Recent polls are not kept: Valkey does not answer (%s).", error)


def _remember_pool(connection: "redis.Redis") -> None:
    statistics = msgspec.to_builtins(client().statistics())
    entry = {"host": socket.gethostname(), "pid": os.getpid(), "at": time.time(), **statistics}
    key = f"{POOLS}{entry['host']}:{entry['pid']}"
    connection.set(key, msgspec.json.encode(entry), ex=POOL_SILENT_S)


def count_intervals(levels: Iterable[str]) -> None:
    """Counts intervals that were chosen anew, by the urgency that they follow from."""
    try:
        with _connection().pipeline(transaction=False) as pipe:
            for level in levels:
                pipe.hincrby(INTERVALS, level, 1)
            pipe.expire(INTERVALS, KEEP_S)
            pipe.execute()
    except redis.RedisError as error:
        log.warning("Poll intervals are not counted: Valkey does not answer (%s).", error)


def intervals_chosen() -> dict[str, int] | None:
    """How often each was chosen, until none was for a week; None when that is not known."""
    try:
        counts: Any = _connection().hgetall(INTERVALS)
    except redis.RedisError:
        return None
    return {level.decode(): int(count) for level, count in counts.items()}


def recent(agent_id: int, count: int = 60) -> list[Poll]:
    """Newest first; empty when none are known."""
    try:
        entries = _connection().lrange(f"{PREFIX}{agent_id}", 0, count - 1)
    except redis.RedisError:
        return []
    return [msgspec.json.decode(entry, type=Poll) for entry in entries]


def latest(agent_ids: Iterable[int]) -> dict[int, Poll]:
    """The last poll of each agent of which one is known."""
    ids = list(agent_ids)
    try:
        with _connection().pipeline(transaction=False) as pipe:
            for agent_id in ids:
                pipe.lindex(f"{PREFIX}{agent_id}", 0)
            entries = pipe.execute()
    except redis.RedisError:
        return {}
    found = zip(ids, entries, strict=True)
    return {pk: msgspec.json.decode(entry, type=Poll) for pk, entry in found if entry}


def pools() -> list[dict[str, Any]]:
    """What the pool of each process that polls has done: see PoolStatistics, and host, pid, at."""
    try:
        connection = _connection()
        keys = list(connection.scan_iter(f"{POOLS}*", count=1000))
        entries = connection.mget(keys) if keys else []
    except redis.RedisError:
        return []
    living = [msgspec.json.decode(entry) for entry in entries if entry is not None]
    return sorted(living, key=lambda entry: (entry["host"], entry["pid"]))
