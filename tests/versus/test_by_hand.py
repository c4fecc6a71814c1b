"""Legs that a person has to find at the broker: contract 1 knows no marks."""

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.factories import make_order, make_position, make_user, make_versus
from tests.pages.reading import text
from tests.valkey import PrivateValkey
from tests.venue import Venue
from tests.versus.pair import Pair
from trading import reconcile, settling
from trading.models import Order, Versus
from trading.states import State as OrderState
from trading.versus import desk
from trading.versus.driver import drive
from trading.versus.states import State

pytestmark = pytest.mark.django_db


@pytest.fixture
def old(venue: Venue, valkey: PrivateValkey, versus_on: None, runner: User) -> Pair:
    """A behind an agent of contract 1."""
    return Pair(venue, runner, a="1", b="2")


@pytest.fixture
def boss(db: None) -> User:
    return make_user("trading.settle_order", "accounts.view_account")


@pytest.fixture
def halted(old: Pair) -> Versus:
    """Its buy was executed, and the answer was lost."""
    versus = old.created(sl_a=None, tp_a=None)  # which contract 1 cannot convert
    old.venue.steer("1", next_answer="cut")
    desk.freeze(versus, old.user)
    return versus


def lost(versus: Versus, step: str = "buy") -> Order:
    reconcile.tend()
    order = Order.objects.get(versus=versus, step=step)
    assert order.state == OrderState.NEEDS_ATTENTION, order.reason
    return order


def opened(pair: Pair) -> int:
    """Ticket of the last position that A's agent opened."""
    deal = pair.venue.entries("1", "execution")[-1]["deal"]
    return int(deal.position_id)


def test_a_leg_that_a_person_found_is_closed_with_the_others(
    old: Pair, halted: Versus, boss: User
) -> None:
    assert settling.settle_by_hand(lost(halted), boss, OrderState.FILLED, "seen", opened(old))
    drive(halted)
    assert halted.state == State.FROZEN, halted.reason
    assert desk.close_both(halted, old.user, "enough")
    assert halted.state == State.CLOSED, halted.reason
    assert old.held("a", halted) == []


@pytest.mark.parametrize("outcome", [OrderState.FILLED, OrderState.PARTIAL])
def test_a_leg_is_not_settled_as_executed_without_its_position(
    halted: Versus, boss: User, outcome: OrderState
) -> None:
    order = lost(halted)
    with pytest.raises(ValueError, match="which position"):
        settling.settle_by_hand(order, boss, outcome, "seen")
    order.refresh_from_db()
    assert order.state == OrderState.NEEDS_ATTENTION


@pytest.mark.both_databases
def test_one_position_is_not_the_leg_of_two_orders(old: Pair, halted: Versus, boss: User) -> None:
    buy = opened(old)
    settling.settle_by_hand(lost(halted), boss, OrderState.FILLED, "seen", buy)
    old.venue.steer("1", next_answer="cut")
    drive(halted)
    with pytest.raises(ValueError, match="another order"):
        settling.settle_by_hand(lost(halted, "sell"), boss, OrderState.FILLED, "seen", buy)


@pytest.mark.parametrize(
    "other", [{"symbol": "XAUUSD"}, {"side": "SELL"}, {"volume": Decimal("0.11")}]
)
def test_a_position_that_the_order_cannot_have_opened_is_not_its_leg(
    runner: User, boss: User, other: dict[str, Any]
) -> None:
    """It would be closed with the versus, although it is none of it."""
    versus = make_versus(runner, state=State.FREEZING)
    leg = {"run": 1, "step": "buy", "state": "needs-attention"}
    order = make_order(versus.account_a, versus=versus, **leg)
    position = make_position(versus.account_a, **other)
    with pytest.raises(ValueError, match="that is not what “buy 0.1 EURUSD” opens"):
        settling.settle_by_hand(order, boss, OrderState.FILLED, "seen", position.ticket)
    assert versus.orders.get().state == OrderState.NEEDS_ATTENTION


@pytest.mark.both_databases
def test_the_page_of_the_order_asks_for_the_position(old: Pair, halted: Versus, boss: User) -> None:
    order, client = lost(halted), Client()
    client.force_login(boss)
    path, form = f"/orders/{order.pk}/settle/", {"outcome": "filled", "reason": "seen"}
    assert 'name="position"' in text(client.get(f"/orders/{order.pk}/"))
    assert "which position" in text(client.post(path, form, follow=True))
    assert "as its ticket" in text(client.post(path, form | {"position": "the first"}, follow=True))
    client.post(path, form | {"position": f"#{opened(old)}"})
    order.refresh_from_db()
    assert (order.state, order.position_ticket) == (OrderState.FILLED, opened(old))
