"""What all tests share."""

import gc
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.db import connection
from pytest_django import DjangoDbBlocker
from pytest_django.plugin import blocking_manager_key

from mt5monitor import loop
from tests import migrated, prepared
from tests.valkey import PrivateValkey
from tests.waiting import eventually
from tests.wall import Wall

MIGRATED = pytest.StashKey[migrated.Rows]()


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[PrivateValkey]:
    """The Valkey of settings.REDIS_URL, running for the whole session of this worker."""
    server = PrivateValkey(settings.VALKEY_SOCKET)
    server.start()
    yield server
    loop.stop()
    server.kill()


@pytest.fixture
def valkey(valkey_server: PrivateValkey) -> Iterator[PrivateValkey]:
    """A running, empty Valkey, and nobody who has yet to tell of what a test before took away."""
    from accounts.live.publisher import publisher

    valkey_server.empty()
    assert eventually(lambda: not publisher().is_behind)
    yield valkey_server
    # A listener that it remembers would have queries made for it, in the tests after this one.
    valkey_server.empty()
    assert publisher().drain(30)


@pytest.fixture
def one_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that is counted by the minute is counted in the same."""
    now = time.time()
    monkeypatch.setattr("mt5monitor.api.limits.time", SimpleNamespace(time=lambda: now))


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    """The clock by which moments are written into rows; a test can set it."""
    return Wall(monkeypatch)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Its tables are there before Django asks, where this run has prepared them."""
    test = settings.DATABASES["default"]["TEST"]
    if test.get("TEMPLATE") or put_database():
        # To read all migrations, and find none left, would cost each worker two seconds.
        test["MIGRATE"] = False
    # Django would keep all rows as text, and write them before each test that empties the
    # database, one at a time; they are there since the one before ended: see below.
    connection.creation.serialize_db_to_string = lambda: ""
    connection.creation.deserialize_db_from_string = lambda _: None


def put_database() -> bool:
    name = settings.DATABASES["default"]["TEST"]["NAME"]
    return connection.vendor == "sqlite" and prepared.put_database(Path(name))


@pytest.fixture(scope="session")
def django_db_setup(
    request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> None:
    with django_db_blocker.unblock():
        request.config.stash[MIGRATED] = migrated.read()


@pytest.fixture
def rows(django_db_serialized_rollback: None, transactional_db: None) -> None:
    """A database that threads share, with the rows of the data migrations in it."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long begins first, in whichever order the rest runs: nobody waits for it in the
    end."""
    items.sort(key=is_long, reverse=True)


def pytest_collection_finish() -> None:
    """All that is imported and collected stays: no search for garbage looks through it again."""
    gc.collect()
    gc.freeze()
    gc.enable()


def is_long(item: pytest.Item) -> bool:
    return item.get_closest_marker("long") is not None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """What the migrations wrote is written again after each test that empties the database.

    So the next one, in whichever order they run, finds phases, content types and permissions.
    """
    if not empties_the_database(item) or MIGRATED not in item.config.stash:
        return (yield)  # or there is no database: all that asked for one were skipped
    from trading import triggers  # models are ready by now
    from trading.models import Order

    unblocked = item.config.stash[blocking_manager_key].unblock
    with unblocked():
        triggers.drop(connection)  # they keep the journal of orders from being emptied
    try:
        return (yield)
    finally:
        if nextitem:  # after the last one the database is gone
            with unblocked():
                migrated.write(item.config.stash[MIGRATED])
                triggers.create(connection, Order.ASKED)


def empties_the_database(item: pytest.Item) -> bool:
    marker = item.get_closest_marker("django_db")
    transactional = bool(marker and marker.kwargs.get("transaction"))
    return transactional or "transactional_db" in getattr(item, "fixturenames", ())
