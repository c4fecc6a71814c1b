"""A terminal that shows no positions for a moment, as one that starts: no leg is lost by it."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.versus.pair import Pair
from trading.models import Versus
from trading.versus import desk, schedule
from trading.versus.states import State

pytestmark = pytest.mark.django_db


@contextmanager
def nothing_shown(pair: Pair, versus: Versus) -> Iterator[None]:
    """Of A, by one reading; read again afterwards."""
    account = pair.venue.member(pair.names["a"]).terminal.account
    kept = dict(account.positions)
    account.positions.clear()
    pair.settled(versus)
    yield
    account.positions.update(kept)
    pair.read()


def test_a_versus_that_seemed_to_be_over_is_open_again_once_its_legs_are_seen(pair: Pair) -> None:
    versus = pair.frozen()
    with nothing_shown(pair, versus):
        assert pair.later(versus).state == State.COMPLETED
    versus = pair.later(versus)
    assert versus.state == State.DIVERGED
    assert versus.ended_at is None
    assert "Open, although this versus has ended: buy 0.1 EURUSD" in versus.reason
    assert desk.close_both(versus, pair.user, "")
    assert versus.state == State.CLOSED
    assert pair.held("a", versus) == []


def test_one_that_seemed_to_be_closed_is_open_again_too(pair: Pair) -> None:
    versus = pair.frozen()
    with nothing_shown(pair, versus):
        assert desk.close_both(versus, pair.user, "enough")
        assert versus.state == State.CLOSED
    assert pair.later(versus).state == State.DIVERGED


@pytest.mark.parametrize("contract", ["1", "2"])
def test_legs_that_their_close_does_not_find_are_open_again_once_they_are_seen(
    pair: Pair, contract: str
) -> None:
    """The monitor knows of them: the agent is asked to close them, and finds none."""
    if contract == "1":
        pair = Pair(pair.venue, pair.user, "1", "5")
    versus = pair.frozen(sl_a=None, tp_a=None)
    pair.read()
    account = pair.venue.member(pair.names["a"]).terminal.account
    kept = dict(account.positions)
    account.positions.clear()
    assert desk.close_both(versus, pair.user, "enough")
    assert versus.state == State.CLOSED
    assert {one.state for one in versus.orders.filter(kind="close")} == {"closed-externally"}
    account.positions.update(kept)
    pair.settled(versus)
    versus = pair.later(versus)
    assert versus.state == State.DIVERGED
    assert pair.later(versus).state == State.DIVERGED
    assert desk.close_both(versus, pair.user, "")
    assert versus.state == State.CLOSED
    assert pair.held("a", versus) == []
    pair.settled(versus)
    assert pair.later(versus).state == State.CLOSED


def test_a_leg_that_its_release_missed_makes_a_transferred_versus_diverge(
    pair: Pair,
) -> None:
    versus = pair.frozen()
    pair.read()
    account = pair.venue.member("2").terminal.account
    other = next(one for one in account.positions.values() if one.magic == magic(versus, "sell"))
    del account.positions[other.ticket]
    versus = desk.transfer(versus, pair.user)
    assert versus.state == State.TRANSFERRED
    account.positions[other.ticket] = other
    pair.settled(versus)
    versus = pair.later(versus)
    assert versus.state == State.DIVERGED
    assert "although its close did not find it: sell 0.1 EURUSD" in versus.reason


def test_stops_that_found_no_leg_are_set_once_it_is_seen(pair: Pair) -> None:
    versus = pair.frozen()
    pair.read()
    account = pair.venue.member("2").terminal.account
    kept = next(one for one in account.positions.values() if one.magic == magic(versus, "buy"))
    del account.positions[kept.ticket]
    versus = desk.transfer(versus, pair.user)
    assert versus.orders.get(step="protect").state == "closed-externally"
    account.positions[kept.ticket] = kept
    pair.settled(versus)
    versus = pair.much_later(versus)
    assert versus.state == State.TRANSFERRED
    protecting = versus.orders.filter(step="protect").latest("pk")
    assert protecting.state == "filled"
    now = account.positions[kept.ticket]
    assert (now.sl, now.tp) == (float(protecting.sl or 0), float(protecting.tp or 0))


def magic(versus: Versus, step: str) -> int:
    return versus.orders.get(step=step).magic


def test_one_whose_legs_are_closed_stays_ended_and_is_not_looked_at_again(pair: Pair) -> None:
    versus = pair.frozen()
    pair.read()
    desk.close_both(versus, pair.user, "enough")
    assert pair.later(versus).state == State.CLOSED  # its positions as they were read before
    pair.settled(versus)
    assert pair.later(versus).state == State.CLOSED
    assert schedule.tend() == 0
