"""What beat sends ticks with: not to a broker that is away, not into a queue that nobody empties.

A tick does the work of those before it and expires, so one that is not sent is not missed.
"""

import logging
import time
from typing import Any

from celery.beat import PersistentScheduler, ScheduleEntry, SchedulingError
from django.conf import settings
from kombu import Connection
from redis.exceptions import RedisError

from mt5monitor.broker import retrying
from mt5monitor.valkey import Backoff, connect

log = logging.getLogger(__name__)

QUEUE_MOST = 200  # more have expired before a worker could begin them
OFTEN_S = 60.0  # what comes more rarely is sent all the same: a day of it is a few tasks


class Scheduler(PersistentScheduler):
    """Celery's own, with a schedule that it keeps in a file."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._backoff = Backoff()
        self._away_until = 0.0  # of time.monotonic()
        self._unsent = 0  # since the broker went away
        self._full: set[str] = set()  # queues
        self._valkey = connect(settings.REDIS_URL)
        super().__init__(*args, **kwargs)

    def apply_entry(self, entry: ScheduleEntry, producer: Any = None) -> None:
        """Send the task of this entry, if that can make sense. Never raise."""
        if time.monotonic() < self._away_until:
            self._unsent += 1
            return
        try:
            if not self._is_full(entry):
                self.apply_async(entry, producer=producer, advance=False)
        except (SchedulingError, RedisError, OSError) as error:
            self._lose(error)
        else:
            self._find()

    def _lose(self, error: Exception) -> None:
        self._unsent += 1
        if self._backoff.is_fresh:
            log.error("Beat sends no tasks: the broker does not answer (%s).", error)
        self._away_until = time.monotonic() + self._backoff.after_failure()

    def _find(self) -> None:
        if self._unsent:
            log.warning("Beat sends tasks again: %d were not sent.", self._unsent)
        self._unsent = 0
        self._backoff.reset()

    def _is_full(self, entry: ScheduleEntry) -> bool:
        """Whether so much waits in its queue that it would only be in the way."""
        every = getattr(entry.schedule, "run_every", None)
        if every is None or every.total_seconds() > OFTEN_S:
            return False
        queue = self._queue(entry)
        waiting: Any = self._valkey.llen(queue)
        full = int(waiting) >= QUEUE_MOST
        if full and queue not in self._full:
            log.warning(
                "Beat sends no ticks to the queue %s: %d tasks wait there. Does its worker run?",
                queue,
                QUEUE_MOST,
            )
        (self._full.add if full else self._full.discard)(queue)
        return full

    def _queue(self, entry: ScheduleEntry) -> str:
        route: dict[str, str] = settings.CELERY_TASK_ROUTES.get(str(entry.task), {})
        routed = route.get("queue", self.app.conf.task_default_queue)
        return str((entry.options or {}).get("queue", routed))

    def _ensure_connected(self) -> Connection:
        """At the start, until there is a broker."""

        def say(error: Exception, interval: float) -> None:
            log.error("Beat waits for its broker: %s", error)

        forever: Any = None
        found: Connection = self.connection.ensure_connection(say, forever, **retrying())
        return found
