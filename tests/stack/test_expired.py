"""Ticks that expire while a worker is busy are counted, and the log stays short."""

import logging
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from celery import Celery
from celery.contrib.testing.worker import start_worker
from django.conf import settings
from django.utils import timezone

from mt5monitor import expired, pulse
from tests.valkey import PrivateValkey
from tests.waiting import eventually


@pytest.fixture(autouse=True)
def nothing_counted() -> Iterator[None]:
    expired._unwritten.clear()
    expired._unlogged.clear()
    expired._logged_at = -expired.LOG_EVERY_S
    yield
    expired._unwritten.clear()
    expired._unlogged.clear()


@pytest.fixture
def app(valkey: PrivateValkey) -> Iterator[Celery]:
    app = Celery("tests", broker=settings.CELERY_BROKER_URL, set_as_current=False)
    app.conf.update(task_ignore_result=True, worker_hijack_root_logger=False)
    yield app
    app.close()


class Sender:
    name = "accounts.tasks.poll"


class Request:
    id = "one"


def expire(times: int) -> None:
    for _ in range(times):
        expired.count(sender=Sender(), request=Request(), expired=True)


def test_a_worker_counts_what_expired_and_lists_none_of_it(
    app: Celery, valkey: PrivateValkey, capfd: pytest.CaptureFixture[str]
) -> None:
    done = threading.Event()

    @app.task(name="tick")
    def tick() -> None:
        raise AssertionError("an expired task ran")

    @app.task(name="last")
    def last() -> None:
        done.set()

    soon = timezone.now() + timedelta(seconds=0.3)
    for _ in range(5):
        tick.apply_async(expires=soon)
    last.apply_async()
    assert eventually(lambda: timezone.now() > soon)
    with start_worker(app, perform_ping_check=False, pool="solo", loglevel="INFO"):
        assert done.wait(30)
        assert eventually(lambda: expired._unwritten["tick"] == 5)
    pulse.pulse("celery")
    with pulse.connection(valkey.url) as connection:
        assert expired.totals(connection) == {"tick": 5}
    log = capfd.readouterr().err
    assert "Discarding revoked task" not in log
    assert "Worker skipped 5 expired tasks: tick 5." in log


def test_counts_of_several_workers_add_up(valkey: PrivateValkey) -> None:
    with pulse.connection(valkey.url) as connection:
        for _ in range(2):
            expire(3)
            expired.write(connection)
        expired.write(connection)
        assert expired.totals(connection) == {"accounts.tasks.poll": 6}


def test_no_count_is_lost_while_valkey_is_away(valkey: PrivateValkey) -> None:
    expire(2)
    with valkey.away(), pytest.raises(pulse.redis.RedisError):
        pulse.pulse("celery")
    expire(1)
    pulse.pulse("celery")
    with pulse.connection(valkey.url) as connection:
        assert expired.totals(connection) == {"accounts.tasks.poll": 3}


def test_the_log_has_one_line_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    expire(1)
    expired.summarise(now=1000.0)
    expire(7)
    expired.summarise(now=1001.0)
    expired.summarise(now=1000.0 + expired.LOG_EVERY_S)
    assert [record.getMessage() for record in caplog.records] == [
        "Worker skipped 1 expired task: accounts.tasks.poll 1. It is overloaded.",
        "Worker skipped 7 expired tasks: accounts.tasks.poll 7. It is overloaded.",
    ]


def test_a_task_that_a_person_revoked_is_logged_and_not_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    expired.count(sender=Sender(), request=Request(), expired=False)
    assert not expired._unwritten
    assert "Worker discarded task accounts.tasks.poll[one]: it was revoked" in caplog.text
