import pytest
import redis

from mt5monitor.pulse import PREFIX, QUEUES, last_pulses, pulse
from mt5monitor.stack.pulses import LOOK_EVERY_S, SILENT_AFTER_S, Pulses
from tests.valkey import PrivateValkey


@pytest.fixture
def pulses(valkey: PrivateValkey) -> Pulses:
    pulses = Pulses(valkey.url)
    pulses.reset(0.0)
    return pulses


def test_a_pulse_is_written_by_the_task_itself(valkey: PrivateValkey) -> None:
    assert last_pulses(valkey.url) == {"celery": 0, "unreachable": 0}
    pulse("celery")
    assert last_pulses(valkey.url)["celery"] > 0


def test_the_queue_whose_pulse_stops_is_named_and_the_other_is_not(pulses: Pulses) -> None:
    pulse("unreachable")
    assert pulses.silent(SILENT_AFTER_S - 1) == []
    assert pulses.silent(SILENT_AFTER_S + LOOK_EVERY_S) == ["celery"]


def test_a_queue_that_comes_back_is_no_longer_silent(pulses: Pulses) -> None:
    assert pulses.silent(SILENT_AFTER_S + 1) == list(QUEUES)
    for queue in QUEUES:
        pulse(queue)
    assert pulses.silent(SILENT_AFTER_S + 1 + LOOK_EVERY_S) == []


def test_only_the_queue_whose_worker_was_started_is_given_time_again(pulses: Pulses) -> None:
    """A worker that dies all the time must not hide that the other does nothing."""
    pulses.reset(SILENT_AFTER_S, ["unreachable"])
    assert pulses.silent(SILENT_AFTER_S + 1) == ["celery"]


def test_a_pulse_that_is_no_time_ends_nothing(pulses: Pulses, valkey: PrivateValkey) -> None:
    with redis.Redis.from_url(valkey.url) as client:
        client.set(f"{PREFIX}celery", "not a time")
    assert pulses.silent(SILENT_AFTER_S + 1) == []


def test_nobody_is_silent_while_the_broker_is_away(pulses: Pulses, valkey: PrivateValkey) -> None:
    with valkey.away():
        assert pulses.silent(SILENT_AFTER_S * 2) == []
    # Counting starts anew once it is back.
    assert pulses.silent(SILENT_AFTER_S * 2 + LOOK_EVERY_S) == []
