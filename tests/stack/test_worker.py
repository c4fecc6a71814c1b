"""A worker outlives the absence of its broker."""

import threading
from collections.abc import Iterator

import pytest
from celery import Celery
from celery.contrib.testing.worker import start_worker
from django.conf import settings

import mt5monitor.celery  # noqa: F401 - has the transport of ours used for all
from tests.valkey import PrivateValkey
from tests.waiting import eventually


@pytest.fixture
def app(valkey: PrivateValkey) -> Iterator[Celery]:
    app = Celery("tests", set_as_current=False)
    app.config_from_object(settings, namespace="CELERY")
    yield app
    app.close()


def test_a_task_that_begins_while_valkey_is_away_ends_no_worker(
    app: Celery, valkey: PrivateValkey
) -> None:
    """It is confirmed on the connection that it came by, which is closed by then."""
    begun, release, done = threading.Semaphore(0), threading.Event(), threading.Semaphore(0)

    @app.task(name="held")
    def held() -> None:
        begun.release()
        assert release.wait(60)

    @app.task(name="next")
    def next_one() -> None:
        done.release()

    with start_worker(app, perform_ping_check=False, pool="threads", concurrency=1) as worker:
        held.apply_async()
        assert begun.acquire(timeout=30)
        next_one.apply_async()
        assert eventually(lambda: len(worker.state.reserved_requests) == 2)
        with valkey.away():
            assert eventually(lambda: worker.consumer.connection is None)
            release.set()
            assert done.acquire(timeout=30)
        next_one.apply_async()
        assert done.acquire(timeout=30)
