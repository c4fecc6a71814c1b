import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from channels.db import database_sync_to_async
from django.contrib.auth.models import User
from pytest_django import Settings

from accounts.live.current import current
from accounts.live.hub import Hub
from accounts.live.publisher import publisher
from mt5monitor.valkey import connect_async
from tests.factories import make_user
from tests.live.page import PATIENCE_S, session_of
from tests.valkey import PrivateValkey


@pytest.fixture
def user(rows: None) -> User:
    return make_user("accounts.view_account")


@pytest.fixture
def session(user: User) -> str:
    return session_of(user)


@pytest.fixture
def quick(settings: Settings) -> Settings:
    """Beats of a tenth of a second."""
    settings.LIVE_BEAT_S = 0.1
    return settings


@pytest_asyncio.fixture
async def hub(valkey: PrivateValkey, rows: None) -> AsyncIterator[Hub]:
    """The hub that the application of this test uses."""
    hub = current()
    await hub.open_pages()
    yield hub
    await hub.stop()
    assert await asyncio.to_thread(publisher().drain, PATIENCE_S)
    # After whatever the hub still reads on that thread: the database is emptied next.
    await database_sync_to_async(bool)()


@pytest_asyncio.fixture
async def client(valkey: PrivateValkey, settings: Settings) -> AsyncIterator[Any]:
    """A connection such as hubs have."""
    client = connect_async(settings.REDIS_URL)
    yield client
    await client.aclose()
