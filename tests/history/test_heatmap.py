"""The calendar of days."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from trading.history.heatmap import WEEKS, heatmap
from trading.history.statistics import Day

LAST = date(2026, 3, 4)  # a Wednesday


def test_each_day_stands_in_the_column_of_its_week_monday_on_top() -> None:
    drawn = heatmap([], LAST)
    assert drawn.first.weekday() == 0
    assert (drawn.first, drawn.last) == (LAST - timedelta(days=2, weeks=WEEKS - 1), LAST)
    for cell in drawn.cells:
        assert cell.y == drawn.cells[cell.day.weekday()].y
        assert cell.level == "empty"
    assert len({cell.x for cell in drawn.cells}) == WEEKS
    assert [name for _, name in drawn.months][-3:] == ["Jan", "Feb", "Mar"]


def test_colours_are_by_the_share_of_the_largest_day_and_of_either_sign() -> None:
    nets = [Decimal(n) for n in (-300, -150, -1, 0, 99, 101, 300)]
    days = [Day(LAST - timedelta(days=n), net, 1) for n, net in enumerate(nets)]
    levels = {cell.result.net: cell.level for cell in heatmap(days, LAST).cells if cell.result}
    assert [levels[net] for net in nets] == [
        "loss3", "loss2", "loss1", "even", "gain1", "gain2", "gain3",
    ]  # fmt: skip


@given(st.lists(st.tuples(st.integers(-10, 400), st.integers(-100, 100)), max_size=40))
def test_every_day_of_the_half_year_is_there_once(told: list[tuple[int, int]]) -> None:
    days = {ago: Day(LAST - timedelta(days=ago), Decimal(net), 1) for ago, net in told}
    drawn = heatmap(days.values(), LAST)
    assert len({cell.day for cell in drawn.cells}) == len(drawn.cells)
    shown = [cell.result for cell in drawn.cells if cell.result]
    assert len(shown) == sum(drawn.first <= day.day <= LAST for day in days.values())
