"""A real Chromium on the real Daphne: one of each in a worker, a fresh browser for each person.

Playwright lives on the loop of the session, so these tests are coroutines on that loop.
"""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import override_settings
from playwright.async_api import Browser, async_playwright
from pytest_django import Settings

from accounts.live import stream
from accounts.live.publisher import publisher
from mt5monitor.settings import STORAGES
from tests import chromium as executable
from tests import prepared
from tests.browser.desk import Desk
from tests.browser.tickets import read
from tests.factories import make_user
from tests.live.page import PATIENCE_S
from tests.live.served import Served
from tests.scripted_fleet import ScriptedFleet
from tests.trading.desk import Desk as Trading
from tests.valkey import PrivateValkey
from tests.venue import Venue
from trading.models import TradingSwitch

ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# As in the product, but for the wait between a reconnect of a terminal and the reading after it.
SETTINGS = {"RECOVERY_RETRY_S": "0.01", "TRADING_ENABLED": "1", "VERSUS_ENABLED": "1"}
SETTINGS |= {"STEP_UP_MINUTES": "10"}
VIEW = ("accounts.view_account", "accounts.view_agent")
EDIT = ("accounts.change_phase", "accounts.change_vs", "accounts.change_account")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    path = os.environ.get("CHROMIUM") or executable.find()
    if path is None:
        pytest.skip(f"no Chromium: {executable.HOW}")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=path,
            args=ARGUMENTS,
            # They take room from a page, as on most desks.
            ignore_default_args=["--hide-scrollbars"],
        )
        yield browser
        await browser.close()


@pytest.fixture
def valkey(valkey_server: PrivateValkey) -> Iterator[PrivateValkey]:
    """Empty, but for what the web process that all tests share has said there: a stream that is
    lost makes its pages read themselves again, in the middle of a test."""
    valkey_server.empty_but(stream.PREFIX)
    yield valkey_server
    assert publisher().drain(PATIENCE_S)


@pytest.fixture(scope="session")
def static_files() -> None:
    """As a server in the field has them: with the hash of each in its name."""
    if not prepared.put_static(settings.STATE_DIR):
        with override_settings(STORAGES=STORAGES):
            call_command("collectstatic", interactive=False, verbosity=0)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def daphne(
    django_db_setup: None,
    valkey_server: PrivateValkey,
    static_files: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Served]:
    """The one that all tests share which do not harm it."""
    served = Served(tmp_path_factory.mktemp("daphne") / "log", SETTINGS)
    served.start()
    await served.accepts()
    yield served
    served.stop()
    served.said()


@pytest_asyncio.fixture(loop_scope="session")
async def desk(
    chromium: Browser, daphne: Served, valkey: PrivateValkey, rows: None
) -> AsyncIterator[Desk]:
    desk = Desk(chromium, daphne)
    yield desk
    await desk.close()
    assert desk.unexcused() == []


@pytest_asyncio.fixture(loop_scope="session")
async def frail_desk(
    chromium: Browser, static_files: None, valkey: PrivateValkey, rows: None, tmp_path: Path
) -> AsyncIterator[Desk]:
    """On a Daphne of its own, which the test may freeze and kill."""
    served = Served(tmp_path / "daphne.log", SETTINGS)
    served.start()
    await served.accepts()
    desk = Desk(chromium, served)
    yield desk
    await desk.close()
    served.stop()
    served.said()
    assert desk.unexcused() == []


@pytest.fixture
def fleet() -> Iterator[ScriptedFleet]:
    with ScriptedFleet() as fleet:
        yield fleet


@pytest.fixture
def viewer(rows: None) -> User:
    """A teammate who may look."""
    return make_user(*VIEW)


@pytest.fixture
def editor(rows: None) -> User:
    """Somebody who may change phase, VS group and firm as well."""
    return make_user(*VIEW, *EDIT)


@pytest.fixture
def boss(rows: None) -> User:
    return make_user(is_staff=True, is_superuser=True)


@pytest.fixture
def trader(rows: None) -> User:
    return make_user(*VIEW, "trading.trade")


@pytest.fixture
def trading(trader: User, tmp_path: Path, settings: Settings) -> Iterator[Trading]:
    settings.TRADING_ENABLED = True
    switch = {"is_on": True, "instance": settings.INSTANCE_ID}
    TradingSwitch.objects.update_or_create(pk=TradingSwitch.PK, defaults=switch)
    with Venue(tmp_path) as venue:
        trading = Trading(venue, trader)
        read(trading)
        yield trading
