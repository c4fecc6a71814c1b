"""Equity and balance over time as lines: steps that hold, and gaps where nothing is known."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Final

from django.utils import timezone

from accounts.models import Account
from trading.history import worth
from trading.history.worth import Operation, Point

RANGES: Final = {
    "day": "Day",
    "week": "Week",
    "month": "Month",
    "quarter": "Quarter",
    "all": "All",
}
SPANS: Final = {
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=30),
    "quarter": timedelta(days=91),
}
WIDTH, HEIGHT = 960, 240
INTERVALS = 4
STEPS = (1, 2, 2.5, 5, 10)

Spot = tuple[float, float | None]
"""An x, and what is known from there on."""


@dataclass(frozen=True)
class Line:
    name: str
    label: str
    path: str
    low: Decimal
    high: Decimal
    last: Decimal | None
    end: str
    """A dot where it stands now: of a line that began this minute, nothing else can be seen."""


@dataclass(frozen=True)
class Chart:
    start: datetime
    end: datetime
    lines: list[Line]
    levels: list[str]
    """Of the grid, from top to bottom."""
    times: list[datetime]
    marks: list[tuple[float, Operation]]
    is_exact: bool
    """The balance is that of all deals, which add up to it; else that of equity points."""
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def rules(self) -> list[float]:
        """Where the grid's lines are."""
        return [HEIGHT * number / INTERVALS for number in range(INTERVALS + 1)]

    @property
    def time_format(self) -> str:
        if self.end - self.start <= timedelta(days=2):
            return "H:i"
        return "j M" if self.end - self.start < timedelta(days=300) else "M Y"


def chart(account: Account, chosen: str, now: datetime | None = None) -> Chart | None:
    """None when nothing is known of the range."""
    now = now or timezone.now()
    known = worth.of(account, now - SPANS[chosen] if chosen in SPANS else None, now)
    series = {"Balance": known.balance, "Equity": known.equity}
    values = [value for points in series.values() for value in _values(points)]
    if not values or known.start >= now:
        return None
    cent = 10.0**-account.money_places
    scale = Scale(known.start, now, float(min(values)), float(max(values)), cent)
    return Chart(
        start=known.start,
        end=now,
        lines=[
            _line(name, points, scale) for name, points in series.items() if any(_values(points))
        ],
        levels=scale.levels,
        times=[
            known.start + (now - known.start) * number / INTERVALS
            for number in range(INTERVALS + 1)
        ],
        marks=[(round(scale.x(one.at), 1), one) for one in known.operations],
        is_exact=known.is_exact,
    )


def _values(points: Iterable[Point]) -> list[Decimal]:
    return [point.value for point in points if point.value is not None]


class Scale:
    """From times and money to the drawing, whose lines are at round figures."""

    def __init__(
        self, start: datetime, end: datetime, low: float, high: float, cent: float = 0.01
    ) -> None:
        self.start, self.length = start, (end - start).total_seconds()
        self.step = _round_step(max((high - low) / INTERVALS, abs(high) * 1e-5, cent))
        self.base = math.floor(low / self.step) * self.step
        while self.base + INTERVALS * self.step < high:
            self.step = _round_step(self.step * 1.01)
            self.base = math.floor(low / self.step) * self.step

    def x(self, at: datetime) -> float:
        return min((at - self.start).total_seconds() / self.length, 1.0) * WIDTH

    def y(self, value: float) -> float:
        return HEIGHT - (value - self.base) / (self.step * INTERVALS) * HEIGHT

    @property
    def levels(self) -> list[str]:
        needed = len(f"{self.step:.10f}".rstrip("0").partition(".")[2])
        places = max(2, needed) if needed else 0
        return [f"{self.base + n * self.step:,.{places}f}" for n in range(INTERVALS, -1, -1)]


def _round_step(least: float) -> float:
    """The next of 1, 2, 2.5, 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * step for step in STEPS if power * step >= least * (1 - 1e-9))


def _line(name: str, points: Sequence[Point], scale: Scale) -> Line:
    values, last = _values(points), points[-1].value
    return Line(
        name=name.lower(),
        label=name,
        path=_path(points, scale),
        low=min(values),
        high=max(values),
        last=last,
        end="" if last is None else f"M{WIDTH} {scale.y(float(last)):.1f}h0",
    )


def _path(points: Sequence[Point], scale: Scale) -> str:
    """Steps, of at most a few a unit of width; the pen is lifted where nothing is known."""
    parts: list[str] = []
    down = False
    for x, y in _thinned(points, scale):
        if y is None:
            if down:
                parts.append(f"H{x:.1f}")
            down = False
            continue
        parts.append(f"H{x:.1f}V{y:.1f}" if down else f"M{x:.1f} {y:.1f}")
        down = True
    if down:
        parts.append(f"H{WIDTH}")
    return "".join(parts)


def _thinned(points: Iterable[Point], scale: Scale) -> Iterator[Spot]:
    """Of the points on one unit of width: the first, the lowest, the highest and the last."""
    spots = (
        (scale.x(point.at), None if point.value is None else scale.y(float(point.value)))
        for point in points
    )
    for _, group in groupby(spots, key=lambda spot: int(spot[0])):
        column = list(group)
        known = [spot for spot in column if spot[1] is not None]
        if len(column) <= 4 or not known:
            yield from column
            continue
        lowest, highest = min(known, key=_height), max(known, key=_height)
        kept = {column[0], lowest, highest, column[-1]}
        yield from (spot for spot in dict.fromkeys(column) if spot in kept)


def _height(spot: Spot) -> float:
    return spot[1] or 0.0
