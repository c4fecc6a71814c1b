"""What all tests share."""

from collections.abc import Iterator

import pytest
from django.conf import settings

from mt5monitor import loop
from tests.valkey import PrivateValkey


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[PrivateValkey]:
    """The Valkey of settings.REDIS_URL, running for the whole session of this worker."""
    server = PrivateValkey(settings.VALKEY_SOCKET)
    server.start()
    yield server
    loop.stop()
    server.kill()


@pytest.fixture
def valkey(valkey_server: PrivateValkey) -> PrivateValkey:
    """A running, empty Valkey."""
    from accounts.polls import _connection

    _connection().flushall()
    return valkey_server


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of the whole stack share one: they run in one worker of pytest-xdist."""
    for item in items:
        if "tests/stack/" in item.nodeid:
            item.add_marker(pytest.mark.xdist_group("stack"))
