"""A desk that may trade, and a venue that it trades at."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from tests.factories import make_user
from tests.trading.browser import Browser
from tests.trading.desk import Desk
from tests.venue import Venue
from trading.models import TradingSwitch


@pytest.fixture
def trading_on(settings: Settings, db: None) -> None:
    settings.TRADING_ENABLED = True
    TradingSwitch.objects.update_or_create(
        pk=TradingSwitch.PK,
        defaults={"is_on": True, "instance": settings.INSTANCE_ID},
    )


@pytest.fixture
def trader(db: None) -> User:
    return make_user("accounts.view_account", "trading.trade")


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[Venue]:
    with Venue(tmp_path) as venue:
        yield venue


@pytest.fixture
def desk(venue: Venue, trading_on: None, trader: User) -> Desk:
    """Account 1 behind an agent of contract 1, account 2 behind one of contract 2."""
    return Desk(venue, trader)


@pytest.fixture
def browser(desk: Desk) -> Browser:
    browser = Browser(desk)
    browser.read()
    return browser
