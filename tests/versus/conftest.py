"""A desk that may run versus, and the venue of its accounts."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings

from tests.factories import make_user
from tests.valkey import PrivateValkey
from tests.venue import Venue
from tests.versus.pair import Pair
from trading.history import reading
from trading.models import TradingSwitch


@pytest.fixture
def versus_on(settings: Settings, db: None) -> None:
    settings.TRADING_ENABLED = settings.VERSUS_ENABLED = True
    switch = {"is_on": True, "instance": settings.INSTANCE_ID}
    TradingSwitch.objects.update_or_create(pk=TradingSwitch.PK, defaults=switch)


@pytest.fixture
def runner(db: None) -> User:
    return make_user("trading.run_versus", "trading.acknowledge_firm_rules")


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[Venue]:
    with Venue(tmp_path, 6) as venue:
        yield venue


@pytest.fixture
def pair(
    venue: Venue,
    valkey: PrivateValkey,
    versus_on: None,
    runner: User,
    monkeypatch: pytest.MonkeyPatch,
) -> Pair:
    """Both behind agents of contract 2, whose history is read in one window: nothing was before."""
    monkeypatch.setattr(reading, "BEGINNING", timezone.now() - timedelta(days=300))
    return Pair(venue, runner)
