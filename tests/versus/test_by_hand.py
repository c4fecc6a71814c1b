"""Legs whose outcome a person finds at the broker: contract 1 knows no marks."""

import pytest

from tests.factories import make_user
from tests.versus.pair import Pair
from trading import orders, reconcile
from trading.diagram import State as OrderState
from trading.models import Order, Versus
from trading.versus import desk
from trading.versus.diagram import State
from trading.versus.driver import drive
from trading.versus.legs import Legs

pytestmark = pytest.mark.django_db


@pytest.fixture
def halted(pair: Pair) -> tuple[Pair, Versus, int]:
    """A of contract 1 executed the buy, and the answer was lost; its ticket."""
    old = Pair(pair.venue, pair.user, a="1")
    versus = old.created()
    pair.venue.steer("1", next_answer="cut")
    desk.freeze(versus, pair.user)
    reconcile.tend()
    (execution,) = pair.venue.entries("1", "execution")
    return old, versus, execution["deal"].position_id


def lost(versus: Versus) -> Order:
    order: Order = versus.orders.get(step="buy")
    assert order.state == OrderState.NEEDS_ATTENTION, order.reason
    return order


def test_a_leg_that_a_person_found_executed_is_closed_with_the_others(
    halted: tuple[Pair, Versus, int],
) -> None:
    pair, versus, ticket = halted
    boss = make_user("trading.settle_order")
    order = lost(versus)
    assert orders.settle_by_hand(order, boss, OrderState.FILLED, "seen", ticket)
    drive(versus)
    assert versus.state == State.FROZEN, versus.reason
    assert ticket in {leg.ticket for leg in Legs(list(versus.orders.all())).open}
    assert desk.close_both(versus, pair.user, "enough")
    assert versus.state == State.CLOSED, versus.reason
    assert pair.held("a", versus) == []


def test_a_leg_is_not_settled_as_executed_without_the_position_it_opened(
    halted: tuple[Pair, Versus, int],
) -> None:
    _, versus, _ = halted
    boss, order = make_user("trading.settle_order"), lost(versus)
    for outcome in (OrderState.FILLED, OrderState.PARTIAL):
        with pytest.raises(ValueError, match="which position"):
            orders.settle_by_hand(order, boss, outcome, "seen")
    order.refresh_from_db()
    assert order.state == OrderState.NEEDS_ATTENTION


def test_one_position_is_not_the_leg_of_two_orders(halted: tuple[Pair, Versus, int]) -> None:
    _, versus, ticket = halted
    boss = make_user("trading.settle_order")
    orders.settle_by_hand(lost(versus), boss, OrderState.FILLED, "seen", ticket)
    versus_orders = versus.orders
    versus_orders.filter(step="buy").update(state=OrderState.FILLED)
    pair = halted[0]
    pair.venue.steer("1", next_answer="cut")
    drive(versus)
    reconcile.tend()
    sell = versus_orders.get(step="sell")
    with pytest.raises(ValueError, match="another order"):
        orders.settle_by_hand(sell, boss, OrderState.FILLED, "seen", ticket)
