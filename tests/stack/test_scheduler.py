"""Beat, while its broker is away and while nobody empties a queue: on a real Valkey."""

import logging
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from celery import Celery
from celery.beat import ScheduleEntry
from celery.contrib.testing.worker import start_worker
from django.conf import settings

import mt5monitor.celery  # noqa: F401 - has the transport of ours used for all
from mt5monitor import pulse, scheduler
from mt5monitor.scheduler import QUEUE_MOST, Scheduler
from tests.valkey import PrivateValkey
from tests.waiting import eventually


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(scheduler, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


@pytest.fixture
def app(valkey: PrivateValkey) -> Iterator[Celery]:
    app = Celery("tests", set_as_current=False)
    app.config_from_object(settings, namespace="CELERY")
    app.conf.imports = []
    yield app
    app.close()


@pytest.fixture(autouse=True)
def each_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those that a test before has said within this minute."""
    monkeypatch.setattr(scheduler.log, "filters", [])


@pytest.fixture
def beat(app: Celery, tmp_path: Path) -> Iterator[Scheduler]:
    beat = Scheduler(app, schedule_filename=str(tmp_path / "schedule"))
    yield beat
    beat.close()


def send(beat: Scheduler, name: str, times: int = 1) -> None:
    for _ in range(times):
        beat.apply_entry(beat.schedule[name], producer=beat.producer)


def waiting(valkey: PrivateValkey, queue: str) -> int:
    with pulse.connection(valkey.url) as connection:
        return int(connection.llen(queue))  # type: ignore[arg-type]


def lengths(valkey: PrivateValkey) -> dict[bytes, int]:
    """Of all lists that are kept there: the queues, and whatever else a tick would add to.

    Not the bytes in use: other threads of this process keep keys of theirs in the same Valkey.
    """
    with pulse.connection(valkey.url) as connection:
        lists = connection.scan_iter(_type="LIST")
        return {name: int(connection.llen(name)) for name in lists}  # type: ignore[arg-type]


def test_a_queue_without_a_worker_stops_growing_and_the_other_gets_its_ticks(
    beat: Scheduler, valkey: PrivateValkey, caplog: pytest.LogCaptureFixture
) -> None:
    send(beat, "poll-unreachable", QUEUE_MOST)
    full = lengths(valkey)
    send(beat, "poll-unreachable", QUEUE_MOST)
    send(beat, "pulse-unreachable", QUEUE_MOST)
    assert lengths(valkey) == full == {b"unreachable": QUEUE_MOST}
    assert [record.getMessage() for record in caplog.records] == [
        "Beat sends no ticks to the queue unreachable: 200 tasks wait there. Does its worker run?"
    ]
    send(beat, "poll")
    assert waiting(valkey, "celery") == 1


def test_what_comes_once_a_day_is_sent_to_a_full_queue_too(
    beat: Scheduler, valkey: PrivateValkey
) -> None:
    send(beat, "poll", QUEUE_MOST)
    send(beat, "thin-equity")
    assert waiting(valkey, "celery") == QUEUE_MOST + 1


def test_a_worker_that_comes_back_is_sent_ticks_again(
    beat: Scheduler, app: Celery, valkey: PrivateValkey
) -> None:
    send(beat, "pulse-unreachable", QUEUE_MOST + 1)
    with start_worker(app, perform_ping_check=False, pool="solo", queues=["unreachable"]):
        assert eventually(lambda: waiting(valkey, "unreachable") == 0)
        done = pulse.last_pulses(valkey.url)["unreachable"]
        send(beat, "pulse-unreachable")
        assert eventually(lambda: pulse.last_pulses(valkey.url)["unreachable"] > done)


def test_while_its_broker_is_away_beat_says_so_once_and_tries_ever_less_often(
    beat: Scheduler,
    valkey: PrivateValkey,
    clock: SimpleNamespace,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.INFO)
    tried: list[float] = []
    look = beat._is_full

    def noted(entry: ScheduleEntry) -> bool:
        tried.append(clock.now)
        return look(entry)

    monkeypatch.setattr(beat, "_is_full", noted)
    send(beat, "poll")
    with valkey.away():
        for _ in range(600):  # a minute of it
            send(beat, "poll")
            clock.now += 0.1
    said = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(said) == 1
    assert "Beat sends no tasks: the broker does not answer" in caplog.text
    assert "Traceback" not in caplog.text
    waits = [later - earlier for earlier, later in zip(tried[1:], tried[2:], strict=False)]
    assert waits[0] <= 0.5
    assert 25 < len(tried) < 60
    assert max(waits) <= settings.VALKEY_RETRY_S[1] + 0.2
    clock.now += settings.VALKEY_RETRY_S[1]
    send(beat, "poll")
    assert waiting(valkey, "celery") == 1
    assert "Beat sends tasks again" in caplog.text
