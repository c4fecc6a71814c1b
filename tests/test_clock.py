"""Clocks that are set: what goes by intervals goes on, whatever the wall clock says."""

import pickle
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from celery.beat import ScheduleEntry, Service
from celery.schedules import schedule

from mt5monitor import clock
from mt5monitor.celery import app
from mt5monitor.clock import Setting, is_ahead, steady_now
from mt5monitor.every import Every

HOUR = 3600.0


class Clocks:
    """The wall clock and the one that is never set, in unix seconds."""

    def __init__(self) -> None:
        self.wall = self.steady = datetime(2026, 1, 5, 12, tzinfo=UTC).timestamp()

    def pass_by(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    clocks = Clocks()
    times = SimpleNamespace(time=lambda: clocks.wall, monotonic=lambda: clocks.steady)
    monkeypatch.setattr(clock, "time", times)
    monkeypatch.setattr(clock, "_began", clocks.wall)
    monkeypatch.setattr(clock, "_began_steady", clocks.steady)
    monkeypatch.setattr(app, "now", lambda: datetime.fromtimestamp(clocks.wall, UTC))
    return clocks


# --- beat ---------------------------------------------------------------------------------------
class Beat:
    """That of the site, with its schedule, sending nowhere. Its sleep is how time passes."""

    def __init__(self, folder: Path, clocks: Clocks, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clocks, self.sent = clocks, list[str]()
        name = str(folder / "schedule")
        service = Service(app, max_interval=5, schedule_filename=name, remote_control=False)
        self.scheduler = service.get_scheduler()
        monkeypatch.setattr(type(self.scheduler), "producer", None)
        monkeypatch.setattr(self.scheduler, "apply_entry", self._apply)

    def _apply(self, entry: ScheduleEntry, producer: Any = None) -> None:
        self.sent.append(entry.name)

    def run(self, seconds: float) -> int:
        """How many ticks of the poller were sent in that time."""
        before, until = self.sent.count("poll"), self.clocks.steady + seconds
        while self.clocks.steady < until:
            self.clocks.pass_by(max(self.scheduler.tick(), 0.001))
        return self.sent.count("poll") - before


@pytest.fixture
def beat(tmp_path: Path, clocks: Clocks, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Beat]:
    return lambda: Beat(tmp_path, clocks, monkeypatch)


@pytest.mark.parametrize("step", [-HOUR, -30.0, HOUR])
def test_beat_sends_a_tick_a_second_whatever_is_done_to_the_clock(
    beat: Callable[[], Beat], clocks: Clocks, step: float
) -> None:
    running = beat()
    assert 9 <= running.run(10) <= 12
    clocks.wall += step
    assert 9 <= running.run(10) <= 12
    clocks.wall -= step
    assert 9 <= running.run(10) <= 12


def test_beat_goes_on_when_the_clock_was_set_back_before_it_was_started_again(
    beat: Callable[[], Beat], clocks: Clocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = beat()
    first.run(3)
    first.scheduler.close()
    clocks.wall -= HOUR
    monkeypatch.setattr(clock, "_began", clocks.wall)
    monkeypatch.setattr(clock, "_began_steady", clocks.steady)
    assert 9 <= beat().run(10) <= 12


def test_all_that_beat_sends_goes_by_intervals_of_the_steady_clock() -> None:
    for name, entry in app.conf.beat_schedule.items():
        assert isinstance(entry["schedule"], Every), name


def test_an_interval_is_kept_in_the_file_of_beat() -> None:
    kept = pickle.loads(pickle.dumps(Every(2.5)))  # noqa: S301 - our own
    assert (type(kept), kept.run_every) == (Every, timedelta(seconds=2.5))
    assert isinstance(kept, schedule)


# --- moments and steps --------------------------------------------------------------------------
def test_the_steady_clock_runs_on_when_the_other_is_set(clocks: Clocks) -> None:
    began = steady_now()
    clocks.wall -= HOUR
    clocks.pass_by(2)
    assert steady_now() - began == timedelta(seconds=2)


@pytest.mark.parametrize(("seconds", "expected"), [(-9, False), (0, False), (4, False), (6, True)])
def test_a_moment_is_ahead_beyond_what_clocks_differ_by(seconds: int, expected: bool) -> None:
    now = datetime(2026, 1, 5, tzinfo=UTC)
    assert is_ahead(now + timedelta(seconds=seconds), now) is expected
    assert not is_ahead(None, now)


def test_a_step_of_the_clock_is_noticed_once_and_the_passing_of_time_is_none(
    clocks: Clocks,
) -> None:
    setting = Setting()
    clocks.pass_by(HOUR)
    assert not setting.was_changed()
    for step in (-HOUR, HOUR, -1.5):
        clocks.wall += step
        assert setting.was_changed()
        assert not setting.was_changed()
