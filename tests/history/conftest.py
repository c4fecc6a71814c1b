"""A desk at simulated agents of both contracts, as for trading."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from tests.trading.conftest import trader, trading_on, venue
from tests.trading.desk import Desk
from tests.valkey import PrivateValkey
from tests.venue import Venue
from trading.history import reading

__all__ = ["trader", "trading_on", "venue"]


@pytest.fixture
def desk(
    venue: Venue,
    trading_on: None,
    trader: User,
    valkey: PrivateValkey,
    monkeypatch: pytest.MonkeyPatch,
) -> Desk:
    """Account 1 behind an agent of contract 1, account 2 behind one of contract 2. Their history
    is read in two windows: the years before have nothing in them but time."""
    monkeypatch.setattr(reading, "BEGINNING", timezone.now() - timedelta(days=500))
    return Desk(venue, trader)
