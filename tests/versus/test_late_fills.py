"""A broker that executes what it had refused: no versus goes on as if it had not."""

from decimal import Decimal

import pytest
from django.contrib.auth.models import User

from agent.simulated.trade_faults import fault_of
from tests.factories import make_order, make_versus
from tests.versus.pair import Pair
from tests.waiting import eventually
from trading.models import Order, Versus
from trading.versus import desk
from trading.versus.actions import Close
from trading.versus.driver import facts
from trading.versus.legs import Legs
from trading.versus.plan import next_action
from trading.versus.states import State

pytestmark = pytest.mark.django_db
TENTH, HALF = Decimal("0.10"), Decimal("0.05")
LIE = "lie"


def answer(pair: Pair, role: str, *faults: str) -> None:
    """To the next orders of that account, in turn; a lie is a refusal that is executed."""
    broker = pair.venue.member(pair.names[role]).terminal.broker
    broker.faults.queued.extend(fault_of(fault, 0.01) for fault in faults)


def executed(pair: Pair, role: str, versus: Versus, held: int) -> Versus:
    """Once the venue holds so many legs of it there, and the monitor has read that."""
    assert eventually(lambda: len(pair.held(role, versus)) == held)
    pair.read()
    return pair.later(versus)


@pytest.mark.both_databases
def test_a_leg_that_is_executed_after_its_versus_was_cancelled_opens_it_again(pair: Pair) -> None:
    answer(pair, "a", LIE)
    versus = pair.frozen()
    assert versus.state == State.CANCELLED
    versus = executed(pair, "a", versus, 1)
    assert versus.state == State.DIVERGED
    assert versus.ended_at is None
    assert "Executed after this versus had ended: buy 0.1 EURUSD" in versus.reason
    assert desk.close_both(versus, pair.user, "late")
    assert versus.state == State.CLOSED
    assert pair.held("a", versus) == []
    assert pair.later(versus).state == State.CLOSED


def test_one_that_is_executed_while_the_first_is_being_closed_is_closed_too(pair: Pair) -> None:
    answer(pair, "a", "slippage", LIE, "closed")
    versus = pair.frozen()
    assert versus.state == State.FREEZING
    versus = executed(pair, "a", versus, 2)
    for _ in range(2):
        versus = pair.much_later(versus)
    assert versus.state == State.COMPENSATED
    assert pair.held("a", versus) == []


def test_a_half_executed_after_it_was_given_up_makes_a_frozen_versus_diverge(
    pair: Pair,
) -> None:
    versus = pair.frozen()
    answer(pair, "b", LIE)
    versus = desk.transfer(versus, pair.user)
    assert versus.state == State.FROZEN
    versus = executed(pair, "b", versus, 1)
    assert versus.state == State.DIVERGED
    assert "Executed after it was given up: sell 0.05 EURUSD" in versus.reason
    assert desk.close_both(versus, pair.user, "late")
    assert (pair.held("a", versus), pair.held("b", versus)) == ([], [])


def test_a_half_of_an_earlier_run_is_no_part_of_what_was_transferred(pair: Pair) -> None:
    versus = pair.frozen()
    answer(pair, "b", LIE)
    versus = desk.transfer(desk.transfer(versus, pair.user), pair.user)
    assert versus.state == State.TRANSFERRED
    versus = executed(pair, "b", versus, 3)
    assert versus.state == State.DIVERGED


@pytest.mark.both_databases
def test_where_another_versus_has_the_account_its_own_record_says_what_to_do(pair: Pair) -> None:
    answer(pair, "a", LIE)
    versus = pair.frozen()
    pair.created()
    versus = executed(pair, "a", versus, 1)
    assert Order.objects.get(versus=versus).state == "late-fill"
    assert versus.state == State.CANCELLED
    assert "close it there" in versus.reason
    steps = versus.events.count()
    assert pair.later(versus).events.count() == steps


def test_a_late_and_partial_close_leaves_the_rest_of_its_leg_open(
    runner: User,
) -> None:
    versus = make_versus(runner, state=State.CLOSING)
    leg = {"run": 1, "step": "buy", "state": "filled", "position_ticket": 7}
    make_order(versus.account_a, versus=versus, **leg)
    closing = {"run": 1, "step": "close-buy", "kind": "close", "volume": None, "position": 7}
    late = {"state": "late-fill", "filled_volume": Decimal("0.04")}
    make_order(versus.account_a, versus=versus, **closing, **late)
    assert [leg.volume for leg in Legs(list(versus.orders.all())).open] == [Decimal("0.06")]


def test_a_leg_that_is_executed_late_and_in_part_has_failed(runner: User) -> None:
    versus = make_versus(runner, state=State.FREEZING, run=1)
    leg = {"run": 1, "step": "buy", "state": "late-fill", "position_ticket": 7}
    make_order(versus.account_a, versus=versus, **leg, filled_volume=Decimal("0.04"))
    action = next_action(facts(versus))
    assert isinstance(action, Close)
    assert action.leg.volume == Decimal("0.04")
