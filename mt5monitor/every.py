"""Intervals of beat, by a clock that is never set.

Celery goes by the wall clock: set back by an hour, it would send nothing for an hour.
"""

from datetime import datetime, timedelta
from typing import Any

from celery.schedules import schedule

from mt5monitor.clock import steady_now


class Every(schedule):
    """Due once in so many seconds."""

    run_every: timedelta

    def __init__(self, seconds: float, app: Any = None) -> None:
        super().__init__(seconds, nowfun=steady_now, app=app)

    def __reduce__(self) -> Any:
        return self.__class__, (self.run_every.total_seconds(),)

    def remaining_estimate(self, last_run_at: datetime) -> timedelta:
        """Nothing, too, where it ran last after now: then the clock was set back before beat was
        started again."""
        left = super().remaining_estimate(last_run_at)
        return left if left <= self.run_every else timedelta(0)
