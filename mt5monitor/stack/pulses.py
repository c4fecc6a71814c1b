"""Whether the workers still do what they are given, and for how long they have not."""

import time
from collections.abc import Sequence

import redis

from mt5monitor.pulse import QUEUES, last_pulses

LOOK_EVERY_S = 5.0
# A thread may be busy for 52 s with an agent that hangs in the poll, the recovery and the retry.
SILENT_AFTER_S = 75.0


class Pulses:
    def __init__(self, url: str) -> None:
        self.url = url
        self._next_look = 0.0
        self._alive_at: dict[str, float] = {}
        self._seen = dict.fromkeys(QUEUES, 0.0)
        self.reset(time.monotonic())

    def reset(self, now: float, queues: Sequence[str] = QUEUES) -> None:
        """Start counting again: the worker of a queue, or what all need, was just started."""
        self._alive_at |= dict.fromkeys(queues, now)

    def silent(self, now: float) -> list[str]:
        """Queues without a pulse for too long while the broker answered; looks now and then."""
        if now < self._next_look:
            return []
        self._next_look = now + LOOK_EVERY_S
        try:
            pulses = last_pulses(self.url)
        except (redis.RedisError, OSError, ValueError):  # what is no time is not of our workers
            self.reset(now)  # without a broker nobody can do anything
            return []
        # A pulse that moved counts, whatever its clock says: the wall clock may be set meanwhile.
        for queue, at in pulses.items():
            if at != self._seen[queue]:
                self._seen[queue], self._alive_at[queue] = at, now
        return [queue for queue in QUEUES if now - self._alive_at[queue] > SILENT_AFTER_S]
