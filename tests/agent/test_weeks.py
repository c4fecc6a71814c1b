"""What hourly bars prove of a broker's clock, and what they do not."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agent.weeks import LOOK_AGAIN, Weeks, currency_pairs, proofs
from agent.zones import HOUR, RuledZone, american, european, never
from tests.agent.test_readings import Altered

ATHENS = RuledZone(2 * HOUR, european)
CLOSE = RuledZone(2 * HOUR, american)
NEW_YORK = RuledZone(-5 * HOUR, american)
FIRST, LAST = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 12, 24, tzinfo=UTC)


def trades_currencies(wall: datetime) -> bool:
    """By the clock of New York."""
    day, hour = wall.weekday(), wall.hour
    return day < 4 or (day == 4 and hour < 17) or (day == 6 and hour >= 17)


def trades_gold(wall: datetime) -> bool:
    return trades_currencies(wall) and wall.hour != 17


def trades_always(wall: datetime) -> bool:
    return True


def bars(
    zone: RuledZone,
    opens: Callable[[datetime], bool] = trades_currencies,
    first: datetime = FIRST,
    last: datetime = LAST,
) -> list[int]:
    """The hours that have a bar, in broker time."""
    found = []
    for utc in range(int(first.timestamp()), int(last.timestamp()), HOUR):
        wall = datetime.fromtimestamp(utc + NEW_YORK.offset(utc), UTC)
        if opens(wall):
            found.append(utc + zone.offset(utc))
    return found


@pytest.mark.parametrize(
    "zone", [ATHENS, CLOSE, RuledZone(0), RuledZone(-3 * HOUR), RuledZone(9 * HOUR, never)]
)
def test_every_whole_week_of_a_currency_pair_proves_the_distance(zone: RuledZone) -> None:
    found = list(proofs(bars(zone)))
    assert len(found) == 2 * 50, "the first and the last week are not whole"
    for utc, offset in found:
        assert offset == zone.offset(utc), datetime.fromtimestamp(utc, UTC)


@pytest.mark.parametrize("opens", [trades_gold, trades_always])
def test_what_trades_at_other_hours_proves_nothing(opens: Callable[[datetime], bool]) -> None:
    assert list(proofs(bars(ATHENS, opens))) == []


def test_a_week_with_a_holiday_at_its_end_proves_nothing() -> None:
    christmas = {datetime(2026, 12, 24), datetime(2026, 12, 25)}  # noqa: DTZ001

    def opens(wall: datetime) -> bool:
        day = wall.replace(hour=0, minute=0, tzinfo=None)
        return trades_currencies(wall) and day not in christmas

    first = datetime(2026, 12, 12, tzinfo=UTC)
    found = list(proofs(bars(ATHENS, opens, first, first + timedelta(days=20))))
    assert [datetime.fromtimestamp(utc, UTC).day for utc, _ in found] == [13, 18]


def test_no_bars_prove_nothing() -> None:
    assert list(proofs([])) == []


def test_a_pair_without_bars_gives_way_to_the_next_and_is_not_retried_at_once() -> None:
    asked: list[str] = []

    def copy_rates_range(name: str, frame: int, first: int, last: int) -> Any:
        asked.append(name)
        assert frame == 16385
        return None if name == "EURUSD" else [{"time": at} for at in bars(ATHENS)]

    weeks, terminal = Weeks(), Altered(copy_rates_range=copy_rates_range)
    summer = int(datetime(2026, 7, 15, tzinfo=UTC).timestamp())
    assert weeks.read(terminal, summer, summer, 0.0)
    assert asked == ["EURUSD", "EURGBP"]
    assert weeks.read(terminal, summer, summer, LOOK_AGAIN - 1) == []
    assert weeks.read(terminal, summer, summer, LOOK_AGAIN)


def test_currency_pairs_are_told_by_what_they_are_made_of() -> None:
    symbols = Altered().symbols_get()
    found = currency_pairs(symbols)
    assert found[0] == "EURUSD"
    assert set(found) == {"EURUSD", "EURGBP", "GBPUSD", "USDJPY", "USDCAD", "AUDUSD"}
