"""The clock of this host against the database's, which all hosts of a site share.

With SQLite there is one host and one clock, and nothing to compare.
"""

import socket
import time
from dataclasses import dataclass

from django.db import connection

from mt5monitor.hosts.unfit import Unfit

TOLERATED_S = 1.0
TRIES = 3


@dataclass(frozen=True, slots=True)
class Difference:
    """`ahead_s`: by how many seconds this host's clock is ahead of the database's, negative when
    it is behind. `give_or_take_s`: half of the round trip in which it was asked."""

    ahead_s: float
    give_or_take_s: float

    @property
    def is_off(self) -> bool:
        return abs(self.ahead_s) - self.give_or_take_s > TOLERATED_S

    def __str__(self) -> str:
        way = "ahead of" if self.ahead_s > 0 else "behind"
        host = socket.gethostname()
        return f"The clock of host {host} is {abs(self.ahead_s):.1f} s {way} the database's"


def difference() -> Difference | None:
    """Return the best of some measurements; None with SQLite. Raise django.db.Error."""
    if connection.vendor != "postgresql":
        return None
    return min((_measured() for _ in range(TRIES)), key=lambda found: found.give_or_take_s)


def _measured() -> Difference:
    with connection.cursor() as cursor:
        before, started = time.time(), time.monotonic()
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
        half = (time.monotonic() - started) / 2
        (theirs,) = cursor.fetchone()
    return Difference(before + half - float(theirs), half)


def check() -> Difference | None:
    """Return the difference. Raise Unfit where it is more than TOLERATED_S."""
    found = difference()
    if found is not None and found.is_off:
        raise Unfit(f"{found}: set both clocks by NTP, then start again.")
    return found
