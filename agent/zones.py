"""Clocks that brokers' servers keep: a distance from UTC, and the summer time that they follow.

A zone gives `offset(utc)`, broker time minus UTC at a moment, and `offsets(broker)`, those that a
broker time can have: two in the hour that a clock repeats. All are seconds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

HOUR = 3_600
NEW_YORK_CLOSE = "new-york-close"


class Zone(Protocol):
    def offset(self, utc: float) -> int: ...
    def offsets(self, broker: float) -> tuple[int, ...]: ...


@lru_cache(maxsize=256)
def _sunday(year: int, month: int, number: int, hour: int) -> float:
    """The `number`th Sunday of a month (-1: the last), at an hour of UTC."""
    first = datetime(year, month, 1, tzinfo=UTC)
    days = [first + timedelta(days=day) for day in range(31)]
    sundays = [day for day in days if day.month == month and day.weekday() == 6]
    at = number - 1 if number > 0 else number
    return (sundays[at] + timedelta(hours=hour)).timestamp()


def european(utc: float) -> bool:
    """From the last Sunday of March to the last of October, 01:00 UTC."""
    year = datetime.fromtimestamp(utc, UTC).year
    return _sunday(year, 3, -1, 1) <= utc < _sunday(year, 10, -1, 1)


def american(utc: float) -> bool:
    """From the second Sunday of March to the first of November, 02:00 in New York."""
    year = datetime.fromtimestamp(utc, UTC).year
    return _sunday(year, 3, 2, 7) <= utc < _sunday(year, 11, 1, 6)


def australian(utc: float) -> bool:
    """From the first Sunday of October to the first of April, 02:00 and 03:00 in Sydney."""
    year = datetime.fromtimestamp(utc, UTC).year
    return not _sunday(year, 4, 1, -8) <= utc < _sunday(year, 10, 1, -8)


def never(utc: float) -> bool:
    return False


Summer = Callable[[float], bool]
SUMMERS: tuple[Summer, ...] = (american, european, never, australian)
"""The rules that servers of MetaTrader can be set to."""


@dataclass(frozen=True, slots=True)
class RuledZone:
    """`base` is the distance in winter; one hour more while it is `summer`."""

    base: int
    summer: Summer = never

    def offset(self, utc: float) -> int:
        return self.base + (HOUR if self.summer(utc) else 0)

    def offsets(self, broker: float) -> tuple[int, ...]:
        both = (self.base + HOUR, self.base)
        return tuple(o for o in both if self.offset(broker - o) == o) or (self.base,)


@dataclass(frozen=True, slots=True)
class NamedZone:
    info: ZoneInfo

    def offset(self, utc: float) -> int:
        return _seconds(datetime.fromtimestamp(utc, UTC).astimezone(self.info))

    def offsets(self, broker: float) -> tuple[int, ...]:
        wall = datetime.fromtimestamp(broker, UTC).replace(tzinfo=self.info)
        return tuple(dict.fromkeys(_seconds(wall.replace(fold=fold)) for fold in (0, 1)))


def _seconds(moment: datetime) -> int:
    distance = moment.utcoffset()
    return int(distance.total_seconds()) if distance else 0


def named(name: str) -> Zone:
    """Return a zone by its IANA name, or UTC+2 with the summer time of New York.

    Raises ValueError.
    """
    if name == NEW_YORK_CLOSE:
        return RuledZone(2 * HOUR, american)
    try:
        return NamedZone(ZoneInfo(name))
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"{name} is not a time zone such as Europe/Athens") from error


def possible(utc: float, offset: int) -> tuple[Zone, ...]:
    """Return the zones of a server whose distance was `offset` at `utc`, the likeliest first: most
    are at UTC+2 in winter and follow New York."""
    zones = [RuledZone(offset - (HOUR if summer(utc) else 0), summer) for summer in SUMMERS]
    if zones[0].base != 2 * HOUR:
        zones.sort(key=lambda zone: zone.summer is not never)
    return tuple(zones)
