"""Legs over contract 1 that the broker refuses: the versus goes on, or back, by itself."""

import time
from decimal import Decimal

import pytest
from django.contrib.auth.models import User

from tests.valkey import PrivateValkey
from tests.venue import Venue
from tests.versus.pair import Pair
from trading.models import Versus
from trading.states import State as OrderState
from trading.versus import desk
from trading.versus.states import State

pytestmark = pytest.mark.django_db
LOTS = Decimal("0.10")
CLOSED = 10018
WITHOUT = {"sl_a": None, "tp_a": None, "sl_b": None, "tp_b": None}


@pytest.fixture
def old_a(venue: Venue, valkey: PrivateValkey, versus_on: None, runner: User) -> Pair:
    return Pair(venue, runner, a="1", b="2")


@pytest.fixture
def old_b(venue: Venue, valkey: PrivateValkey, versus_on: None, runner: User) -> Pair:
    return Pair(venue, runner, a="2", b="1")


def refused(versus: Versus, step: str) -> str:
    order = versus.orders.filter(step=step).earliest("pk")
    assert (order.state, order.retcode) == (OrderState.REJECTED, CLOSED), order.reason
    return order.reason


def test_a_second_half_that_is_refused_takes_the_first_back(old_b: Pair) -> None:
    versus = old_b.frozen(**WITHOUT)
    old_b.venue.steer("1", next_order=["slippage", CLOSED])
    versus = desk.transfer(versus, old_b.user)
    assert versus.state == State.FROZEN, versus.reason
    assert "The market is closed." in versus.reason
    refused(versus, "half-2")
    assert old_b.held("b", versus) == []
    assert desk.transfer(versus, old_b.user).state == State.TRANSFERRED


def test_a_release_that_is_refused_is_tried_again(old_a: Pair) -> None:
    versus = old_a.frozen(**WITHOUT)
    old_a.venue.steer("1", next_order=CLOSED)
    versus = desk.transfer(versus, old_a.user)
    assert versus.state == State.TRANSFERRING
    refused(versus, "release")
    versus = old_a.much_later(versus)
    assert versus.state == State.TRANSFERRED, versus.reason
    assert old_a.held("a", versus) == [("BUY", LOTS)]


def test_stops_that_are_refused_leave_it_unprotected_until_they_are_set(old_a: Pair) -> None:
    versus = old_a.frozen(sl_a=None, tp_a=None)
    old_a.venue.steer("1", next_order=["slippage", CLOSED])
    versus = desk.transfer(versus, old_a.user)
    assert versus.state == State.UNPROTECTED, versus.reason
    refused(versus, "protect")
    versus = old_a.much_later(versus)
    assert versus.state == State.TRANSFERRED, versus.reason


@pytest.mark.both_databases
def test_a_leg_that_is_gone_when_it_is_to_be_released_is_released(old_a: Pair) -> None:
    """A stop that was hit a moment before: "Position N not found"."""
    versus = old_a.frozen(**WITHOUT)
    account = old_a.venue.member("1").terminal.account
    ticket = versus.orders.get(step="sell").order_ticket
    account.close(account.positions[ticket or 0], 1)
    versus = desk.transfer(versus, old_a.user)
    assert versus.state == State.TRANSFERRED, versus.reason
    assert versus.orders.get(step="release").state == OrderState.CLOSED_EXTERNALLY


def test_a_release_whose_answer_is_lost_settles_by_itself(old_a: Pair) -> None:
    versus = old_a.frozen(**WITHOUT)
    old_a.venue.steer("1", next_answer="cut")
    versus = desk.transfer(versus, old_a.user)
    assert versus.state == State.TRANSFERRING
    for _ in range(2):
        versus.orders.update(looked_at=None)
        versus = old_a.later(versus)
    assert versus.orders.get(step="release").state == OrderState.CLOSED_EXTERNALLY
    assert versus.state == State.TRANSFERRED, versus.reason
    assert old_a.held("a", versus) == [("BUY", LOTS)]


def test_a_leg_that_is_executed_after_it_was_refused_opens_its_versus_again(old_a: Pair) -> None:
    old_a.venue.steer("1", next_order=CLOSED)
    versus = old_a.frozen(**WITHOUT)
    assert versus.state == State.CANCELLED
    account = old_a.venue.member("1").terminal.account
    symbol = account.market.quotes[versus.symbol_a].symbol
    late = account.open(symbol, 0, float(LOTS), int(time.time()))
    old_a.read()
    versus = old_a.later(versus)
    assert versus.orders.get().state == OrderState.LATE_FILL
    assert versus.state == State.DIVERGED
    assert desk.close_both(versus, old_a.user, "late")
    assert versus.state == State.CLOSED, versus.reason
    assert late.ticket not in account.positions
