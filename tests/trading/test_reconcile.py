"""What becomes of orders whose outcome was lost: found by proof, or a person is asked."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.factories import make_user
from tests.trading.desk import Desk
from trading import orders, reconcile
from trading.diagram import State
from trading.models import Order, OrderEvent

pytestmark = pytest.mark.django_db


def lost(desk: Desk, contract: str = "2", **changes: Any) -> Order:
    """Sent, and its answer cut off."""
    desk.venue.steer(contract, next_answer="cut")
    order = desk.send(contract, **changes)
    assert order.state == State.UNKNOWN
    return order


def later(order: Order, seconds: float) -> Order:
    """As if it had been placed so long ago; only columns that may change are touched."""
    ago = timezone.now() - timedelta(seconds=seconds)
    looked, unknown = order.looked_at and ago, order.unknown_at and ago
    columns = {"deadline": ago, "looked_at": looked, "unknown_at": unknown}
    Order.objects.filter(pk=order.pk).update(**columns)
    return Order.objects.get(pk=order.pk)


def again(order: Order) -> Order:
    reconcile.tend()
    return Order.objects.get(pk=order.pk)


def test_a_lost_answer_is_found_in_the_agents_journal(desk: Desk) -> None:
    order = again(lost(desk))
    (execution,) = desk.venue.entries("2", "execution")
    assert order.state == State.FILLED
    assert order.position_ticket == execution["deal"].position_id
    assert len(desk.sent()) == 1


def test_an_order_that_the_agent_refused_is_found_to_be_rejected(desk: Desk) -> None:
    desk.venue.steer("2", next_order="no-money")
    assert again(lost(desk)).state == State.REJECTED


def test_contract_1_asks_a_person_and_shows_what_could_be_it(desk: Desk) -> None:
    order = again(lost(desk, "1"))
    assert order.state == State.NEEDS_ATTENTION
    (execution,) = desk.venue.entries("1", "execution")
    evidence = OrderEvent.objects.get(order=order, state=State.NEEDS_ATTENTION).data
    assert [shown["ticket"] for shown in evidence] == [execution["deal"].position_id]


def test_a_sender_that_died_leaves_an_order_that_is_looked_for(desk: Desk) -> None:
    order = desk.place()
    assert orders._claim(order)
    assert again(order).state == State.SENDING
    order = again(later(order, 60))
    assert order.state == State.UNKNOWN
    assert desk.sent() == []


def never_arrived(desk: Desk) -> Order:
    """Claimed by a sender that died before it sent. The agent's journal is older than that."""
    desk.send()
    order = desk.place()
    assert orders._claim(order)
    order = again(later(order, 40))
    assert order.state == State.UNKNOWN
    return order


def expired(order: Order) -> None:
    """As if the time in which the agent takes it were over."""
    from django.db import connection

    from trading import triggers

    triggers.drop(connection)
    Order.objects.filter(pk=order.pk).update(valid_until=timezone.now() - timedelta(seconds=30))
    triggers.create(connection, Order.ASKED)


def test_an_order_that_never_arrived_is_not_executed_after_two_absences(desk: Desk) -> None:
    order = never_arrived(desk)
    expired(order)
    order = again(later(order, 10))
    assert (order.state, order.absences) == (State.UNKNOWN, 1)
    order = again(later(order, 45))
    assert order.state == State.NOT_EXECUTED
    assert len(desk.sent()) == 1


def test_absence_proves_nothing_while_the_agent_might_still_take_it(desk: Desk) -> None:
    order = never_arrived(desk)
    for _ in range(3):
        order = again(later(order, 45))
    assert (order.state, order.absences) == (State.UNKNOWN, 0)


def test_another_login_at_the_terminal_proves_nothing(desk: Desk) -> None:
    order = never_arrived(desk)
    expired(order)
    desk.venue.steer("2", login=4242)
    order = again(order)
    assert (order.state, order.absences) == (State.UNKNOWN, 0)
    assert again(later(order, 90)).state == State.NEEDS_ATTENTION


def test_after_a_minute_without_proof_a_person_is_asked(desk: Desk) -> None:
    order = desk.place()
    orders._claim(order)
    order = again(later(order, 61))
    order = again(later(order, 62))
    assert order.state == State.NEEDS_ATTENTION
    assert orders.send(order).state == State.NEEDS_ATTENTION
    assert desk.sent() == []


def test_proof_settles_an_order_also_after_a_person_was_asked(desk: Desk) -> None:
    order = lost(desk)
    Order.objects.filter(pk=order.pk).update(state=State.NEEDS_ATTENTION, looked_at=timezone.now())
    order = again(later(Order.objects.get(pk=order.pk), 90))
    assert order.state == State.FILLED


def test_a_person_settles_with_a_reason_and_only_who_may(desk: Desk) -> None:
    order = again(lost(desk, "1"))
    boss = make_user("trading.settle_order")
    with pytest.raises(orders.PermissionDenied):
        orders.settle_by_hand(order, desk.trader, State.FILLED, "seen in the terminal")
    with pytest.raises(ValueError, match="reason"):
        orders.settle_by_hand(order, boss, State.FILLED, " ")
    assert orders.settle_by_hand(order, boss, State.FILLED, "seen in the terminal")
    order.refresh_from_db()
    assert (order.state, order.settled_by) == (State.FILLED, boss.username)
    assert not orders.settle_by_hand(order, boss, State.NOT_EXECUTED, "changed my mind")


def test_what_is_queued_too_long_expires_by_itself(desk: Desk) -> None:
    order = orders.place(
        desk.accounts["2"], desk.trader, desk.asked(), "late", valid_for=timedelta(0)
    )
    assert again(order).state == State.EXPIRED


def test_a_journal_that_is_newer_than_the_order_proves_nothing(desk: Desk) -> None:
    order = never_arrived(desk)
    expired(order)
    Order.objects.filter(pk=order.pk).update(claimed_at=timezone.now() - timedelta(hours=1))
    for _ in range(3):
        order = again(later(order, 45))
    assert (order.state, order.absences) == (State.UNKNOWN, 0)


def test_two_that_look_at_once_count_an_absence_once(desk: Desk) -> None:
    order = never_arrived(desk)
    expired(order)
    first, second = (Order.objects.get(pk=order.pk) for _ in range(2))
    assert reconcile.look(first)
    assert not reconcile.look(second)
    order.refresh_from_db()
    assert order.absences == 1
