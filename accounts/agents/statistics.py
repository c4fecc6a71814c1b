"""What the pool of connections has done since the process began."""

from __future__ import annotations

from datetime import datetime

import msgspec


class PoolStatistics(msgspec.Struct, frozen=True):
    """A snapshot. Counters grow from `since` on; in_use, waiting and idle are of this moment."""

    requests: int
    opened: int
    """Connections that were dialled and answered."""
    reused: int
    """Requests that went out on a connection already open."""
    in_use: int
    """Calls that hold a slot."""
    waiting: int
    """Calls that wait for one."""
    idle: int
    """Open connections kept for the next call."""
    errors: dict[str, int]
    """How many calls failed, by the error's code."""
    since: datetime
    checks: int
    """How often the pool was checked."""
    recreated: int
    """How often a pool that failed its check was replaced."""
