"""The days of half a year as a calendar: a column a week, Monday on top, redder or greener."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from trading.history.statistics import Day

WEEKS = 26
STEP = 14
TOP = 16
LEFT = 28
LEVELS = 3
SCALE = ("loss3", "loss2", "loss1", "even", "gain1", "gain2", "gain3")


@dataclass(frozen=True)
class Cell:
    day: date
    x: int
    y: int
    level: str
    """Its class: empty, even, gain1 to gain3, loss1 to loss3."""
    result: Day | None


@dataclass(frozen=True)
class Heatmap:
    cells: list[Cell]
    months: list[tuple[int, str]]
    width: int = LEFT + WEEKS * STEP
    height: int = TOP + 7 * STEP

    @property
    def first(self) -> date:
        return self.cells[0].day

    @property
    def last(self) -> date:
        return self.cells[-1].day


def heatmap(days: Iterable[Day], last: date) -> Heatmap:
    """The half year that ends with `last`."""
    first = last - timedelta(days=last.weekday(), weeks=WEEKS - 1)
    shown = {day.day: day for day in days if first <= day.day <= last}
    most = max((abs(day.net) for day in shown.values()), default=0)
    cells = []
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        week, row = divmod(number, 7)
        result = shown.get(day)
        level = _level(result, float(most))
        cells.append(Cell(day, LEFT + week * STEP, TOP + row * STEP, level, result))
    return Heatmap(cells, _months(cells))


def _level(day: Day | None, most: float) -> str:
    if day is None:
        return "empty"
    if not day.net:
        return "even"
    share = abs(float(day.net)) / most
    strength = min(int(share * LEVELS) + 1, LEVELS)
    return f"{'gain' if day.net > 0 else 'loss'}{strength}"


def _months(cells: Iterable[Cell]) -> list[tuple[int, str]]:
    """Where each month begins, and its name."""
    return [(cell.x, f"{cell.day:%b}") for cell in cells if cell.y == TOP and cell.day.day <= 7]
