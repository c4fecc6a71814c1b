"""What is said at each try stands in the log once a minute, with how often it was said."""

import logging
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from mt5monitor import repeats
from mt5monitor.repeats import EVERY_S, KINDS_MOST, Repeats


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(repeats, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


@pytest.fixture
def log(clock: SimpleNamespace) -> Iterator[logging.Logger]:
    log, held = logging.getLogger("tests.repeats"), Repeats()
    log.addFilter(held)
    yield log
    log.removeFilter(held)


def test_one_line_at_once_then_one_a_minute_with_the_number_held_back(
    log: logging.Logger, clock: SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(100):
        log.error("Cannot connect to %s, try %d", "a host", number)
    clock.now += EVERY_S
    log.error("Cannot connect to %s, try %d", "a host", 100)
    clock.now += EVERY_S
    log.error("Cannot connect to %s, try %d", "a host", 101)
    assert [record.getMessage() for record in caplog.records] == [
        "Cannot connect to a host, try 0",
        "Cannot connect to a host, try 100\n99 more like this since the last one.",
        "Cannot connect to a host, try 101",
    ]


def test_another_message_another_level_and_what_is_no_warning_pass(
    log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for _ in range(2):
        log.error("one")
        log.warning("one")
        log.error("two")
        log.info("three")
    said = [(record.levelname, record.getMessage()) for record in caplog.records]
    first = [("ERROR", "one"), ("WARNING", "one"), ("ERROR", "two"), ("INFO", "three")]
    assert said == [*first, ("INFO", "three")]


def test_what_it_remembers_has_an_end(log: logging.Logger) -> None:
    held = next(one for one in log.filters if isinstance(one, Repeats))
    for number in range(KINDS_MOST * 3):
        log.error(f"a message of its own: {number}")  # noqa: G004
    assert len(held._kinds) <= KINDS_MOST
