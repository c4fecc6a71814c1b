from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import pytest_asyncio
from django.contrib.auth.models import User

from accounts.models import ApiToken
from tests.factories import make_user
from tests.live.served import QUICK, Served
from tests.valkey import PrivateValkey

MORE = {"EVENTS_PER_USER": "60", "LIVE_BEHIND_S": "0.5"}


@pytest.fixture(scope="module")
def daphne(
    django_db_setup: None,
    valkey_server: PrivateValkey,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Served]:
    """The one of all tests of a module; each leaves it as it was."""
    served = Served(tmp_path_factory.mktemp("daphne") / "log", QUICK | MORE)
    served.start()
    yield served
    served.stop()
    valkey_server.empty()  # somebody may have been listening until now
    served.said()


@pytest_asyncio.fixture
async def served(daphne: Served, valkey: PrivateValkey, rows: None) -> Served:
    await daphne.accepts()
    return daphne


@pytest.fixture
def user(rows: None) -> User:
    return make_user("accounts.view_account", "accounts.view_agent", "trading.view_versus")


@pytest.fixture
def new_token() -> Callable[..., tuple[ApiToken, str]]:
    def make(user: User, *scopes: str) -> tuple[ApiToken, str]:
        return ApiToken.issue(user, "a script", timedelta(days=1), list(scopes) or None)

    return make


@pytest.fixture
def key(user: User, new_token: Callable[..., tuple[ApiToken, str]]) -> str:
    return new_token(user)[1]
