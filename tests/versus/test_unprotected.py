"""A versus whose kept leg has no stops yet."""

import pytest

from tests.versus.pair import Pair
from trading.versus import desk
from trading.versus.states import State

pytestmark = pytest.mark.django_db


def test_it_completes_when_every_leg_is_gone_before_its_stops_are_set(pair: Pair) -> None:
    versus = pair.frozen()
    pair.venue.steer("2", next_order=["slippage", "reject"])  # the release, then the stops
    desk.transfer(versus, pair.user)
    assert versus.state == State.UNPROTECTED, versus.reason
    for role, step in (("a", "buy"), ("b", "half-1"), ("b", "half-2")):
        pair.close_at_the_broker(role, versus, step)
    assert pair.later(versus).state == State.COMPLETED, versus.reason
