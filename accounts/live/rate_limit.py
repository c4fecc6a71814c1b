"""How many frames a socket may send."""

import time

from accounts.live.frames import Refused


class RateLimit:
    """So many a second, and so many at once."""

    def __init__(self, a_second: float, at_once: int) -> None:
        self._a_second = a_second
        self._at_once = at_once
        self._left = float(at_once)
        self._at = time.monotonic()

    def take(self) -> None:
        """Count one. Raise Refused when there were too many."""
        now = time.monotonic()
        earned = (now - self._at) * self._a_second
        self._left = min(self._at_once, self._left + earned) - 1
        self._at = now
        if self._left < 0:
            raise Refused(Refused.TOO_MANY, "Too many frames.")
