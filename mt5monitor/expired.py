"""Tasks that expired before a worker had time for them: counted by name, not listed one by one.

Each tick does the work of those before it, so one that waited too long is dropped. Celery logs each
drop at INFO, which fills the log of a worker under load; see settings/log.py for the filter.
"""

import logging
import threading
import time
from collections import Counter
from typing import Any

import redis
from celery.signals import task_revoked

log = logging.getLogger(__name__)

TOTALS = "mt5monitor:expired"  # a hash in Valkey: task name to count, all workers together
LOG_EVERY_S = 60.0

_lock = threading.Lock()
_unwritten: Counter[str] = Counter()
_unlogged: Counter[str] = Counter()
_logged_at = 0.0  # of time.monotonic()


@task_revoked.connect
def count(sender: Any, request: Any, expired: bool, **_: object) -> None:
    """Count an expired task. Celery calls this where it receives tasks: never wait here."""
    name = sender.name
    if not expired:
        log.info("Worker discarded task %s[%s]: it was revoked", name, request.id)
        return
    with _lock:
        _unwritten[name] += 1
        _unlogged[name] += 1


def write(valkey: redis.Redis) -> None:
    """Add the counts of this process to the totals. Raise redis.RedisError; nothing is lost."""
    with _lock:
        counts = {name: number for name, number in _unwritten.items() if number}
    if not counts:
        return
    pipe = valkey.pipeline(transaction=True)
    for name, number in counts.items():
        pipe.hincrby(TOTALS, name, number)
    pipe.execute()
    with _lock:
        _unwritten.subtract(counts)


def summarise(now: float | None = None, because: str = "") -> None:
    """Log one line a minute at most: how many tasks expired since the last line, and `because` of
    what; without it, the worker has too much to do."""
    global _logged_at
    now = time.monotonic() if now is None else now
    with _lock:
        if not _unlogged or now - _logged_at < LOG_EVERY_S:
            return
        counts, _logged_at = dict(_unlogged), now
        _unlogged.clear()
    parts = ", ".join(f"{name} {number}" for name, number in sorted(counts.items()))
    total = sum(counts.values())
    tasks = "task" if total == 1 else "tasks"
    why = because or "It is overloaded"
    log.warning("Worker skipped %s expired %s: %s. %s.", total, tasks, parts, why)


def totals(valkey: redis.Redis) -> dict[str, int]:
    """Return how many tasks expired in all workers, by name. Raise redis.RedisError."""
    found: Any = valkey.hgetall(TOTALS)
    return {key.decode(): int(value) for key, value in sorted(found.items())}


class NotOneByOne(logging.Filter):
    """Drop the line that Celery logs for each discarded task: `count` replaces it."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not str(record.msg).startswith("Discarding revoked task")
