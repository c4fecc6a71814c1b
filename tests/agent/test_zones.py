"""The clocks of brokers' servers: what they are at a moment, and what a broker time can mean."""

from datetime import UTC, datetime

import pytest

from agent.zones import (
    HOUR,
    RuledZone,
    american,
    australian,
    european,
    named,
    never,
    possible,
)


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("moment", "summers"),
    [
        ("2026-01-15T12:00", {australian}),
        ("2026-03-08T06:59", {australian}),
        ("2026-03-08T07:00", {australian, american}),
        ("2026-03-29T00:59", {australian, american}),
        ("2026-03-29T01:00", {australian, american, european}),
        ("2026-04-04T15:59", {australian, american, european}),
        ("2026-04-04T16:00", {american, european}),
        ("2026-10-03T16:00", {australian, american, european}),
        ("2026-10-25T01:00", {australian, american}),
        ("2026-11-01T05:59", {australian, american}),
        ("2026-11-01T06:00", {australian}),
    ],
)
def test_summer_begins_and_ends_by_each_rule(moment: str, summers: set[object]) -> None:
    assert {rule for rule in (american, european, australian) if rule(at(moment))} == summers


@pytest.mark.parametrize(
    ("zone", "same"),
    [
        (named("Europe/Athens"), RuledZone(2 * HOUR, european)),
        (named("Australia/Sydney"), RuledZone(10 * HOUR, australian)),
        (named("America/New_York"), RuledZone(-5 * HOUR, american)),
        (named("Asia/Dubai"), RuledZone(4 * HOUR, never)),
    ],
)
def test_the_rules_are_those_of_the_time_zone_data(zone: RuledZone, same: RuledZone) -> None:
    for utc in range(int(at("2024-01-01T00:30")), int(at("2027-01-01T00:00")), HOUR):
        assert zone.offset(utc) == same.offset(utc), datetime.fromtimestamp(utc, UTC)


def test_the_hour_that_a_clock_repeats_has_two_distances() -> None:
    for zone in (named("Europe/Athens"), RuledZone(2 * HOUR, european)):
        assert zone.offsets(at("2026-10-25T03:30")) == (3 * HOUR, 2 * HOUR)
        assert zone.offsets(at("2026-10-25T02:30")) == (3 * HOUR,)
        assert zone.offsets(at("2026-10-25T04:30")) == (2 * HOUR,)


def test_the_likeliest_zone_is_that_of_most_brokers() -> None:
    assert possible(at("2026-11-28T12:00"), 2 * HOUR)[0] == RuledZone(2 * HOUR, american)
    assert possible(at("2026-07-01T12:00"), 3 * HOUR)[0] == RuledZone(2 * HOUR, american)
    assert possible(at("2026-07-01T12:00"), -3 * HOUR)[0] == RuledZone(-3 * HOUR, never)


@pytest.mark.parametrize(
    "name", ["", "Athens", "../etc/passwd", "New-York-Close", "Europe/Nowhere"]
)
def test_what_is_no_zone_is_refused_by_name(name: str) -> None:
    with pytest.raises(ValueError, match="is not a time zone such as Europe/Athens"):
        named(name)
