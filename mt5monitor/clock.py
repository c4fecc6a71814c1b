"""Intervals go by a clock that is never set; moments in the database by the wall clock, which is.

A moment that lies further ahead than it can was written before the wall clock was set back. What it
holds up goes on at once: see `is_ahead`, and CLOCKS_DIFFER in queries.
"""

import time
from datetime import UTC, datetime, timedelta

# By so much may the clocks of the site's hosts differ, with a margin.
CLOCKS_DIFFER = timedelta(seconds=5)
STEP_S = 0.5  # time servers slew a clock more slowly than they step it

_began, _began_steady = time.time(), time.monotonic()


def steady_now() -> datetime:
    """Return the time in UTC by the clock as it was set when this process began."""
    passed = time.monotonic() - _began_steady
    return datetime.fromtimestamp(_began + passed, UTC)


def is_ahead(at: datetime | None, now: datetime) -> bool:
    """Whether `at`, of something that has happened, was written before the clock was set back."""
    return at is not None and at - now > CLOCKS_DIFFER


class Setting:
    """Notices that the wall clock was set, in either direction."""

    def __init__(self) -> None:
        self._distance = self._now()

    def was_changed(self) -> bool:
        """Whether it was set since the last call."""
        before, self._distance = self._distance, self._now()
        return abs(self._distance - before) > STEP_S

    @staticmethod
    def _now() -> float:
        return time.time() - time.monotonic()
