"""The wall clock is set: no order is sent later than its age allows, and none is left alone."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone

from tests.factories import make_order
from tests.trading.desk import Desk
from tests.trading.test_reconcile import lost
from tests.wall import HOUR, Wall
from trading import late_fills, orders, permits, reconcile
from trading.models import Order, TradeLimit
from trading.states import State

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def state(order: Order) -> str:
    return Order.objects.get(pk=order.pk).state


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Those that passed on the clock that is never set, as reconcile looks at it."""
    passed = [0.0]
    steady = SimpleNamespace(monotonic=lambda: passed[0])
    monkeypatch.setattr(reconcile, "time", steady)
    return passed


def test_an_order_that_was_placed_before_is_not_sent(desk: Desk, wall: Wall) -> None:
    order = desk.place()
    wall.turn(-HOUR)
    assert not permits.permitted(timezone.now()).filter(pk=order.pk).exists()
    order = orders.send(order)
    assert (order.state, order.reason) == (
        State.EXPIRED,
        "The clock was set back after it was placed. Nothing was sent.",
    )
    assert desk.sent() == []


def test_an_order_that_waits_for_another_is_not_sent_after_its_time(
    desk: Desk, wall: Wall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Set back by less than hosts may differ: the clock that is never set ends its wait."""
    first, second = desk.place(), desk.place()
    assert orders._claim(first)
    passed = [0.0]

    def sleep(_: float) -> None:
        passed[0] += 4.0
        wall.turn(timedelta(seconds=-1))

    steady = SimpleNamespace(sleep=sleep, monotonic=lambda: passed[0])
    monkeypatch.setattr(orders, "time", steady)
    second = orders.send(second)
    assert second.state == State.EXPIRED
    assert passed[0] < 20
    assert desk.sent() == []


def test_a_queued_order_that_nobody_sends_expires(desk: Desk, wall: Wall) -> None:
    order = desk.place()
    wall.turn(-HOUR)
    assert reconcile.expire(timezone.now()) == 1
    assert state(order) == State.EXPIRED


def test_set_forward_a_queued_order_expires(desk: Desk, wall: Wall) -> None:
    order = desk.place()
    wall.turn(HOUR)
    assert orders.send(order).state == State.EXPIRED
    assert desk.sent() == []


def test_an_order_whose_sender_died_is_given_up_after_as_long_as_ever(
    desk: Desk, wall: Wall, seconds: list[float]
) -> None:
    order = desk.place()
    assert orders._claim(order)
    wall.turn(-HOUR)
    assert reconcile.give_up(timezone.now()) == 0
    seconds[0] = 34.0
    assert reconcile.give_up(timezone.now()) == 0
    seconds[0] = 35.1
    assert reconcile.give_up(timezone.now()) == 1
    assert state(order) == State.UNKNOWN


def test_an_order_of_unknown_outcome_is_looked_for_at_once(desk: Desk, wall: Wall) -> None:
    order = lost(desk)
    Order.objects.filter(pk=order.pk).update(looked_at=timezone.now())
    wall.turn(-HOUR)
    reconcile.tend()
    assert state(order) == State.FILLED
    assert len(desk.sent()) == 1


def test_a_person_is_asked_after_as_long_as_ever(desk: Desk, wall: Wall) -> None:
    order = lost(desk)
    desk.venue.steer("2", state="down")
    wall.turn(-HOUR)
    assert reconcile.call_for_help(timezone.now()) == 0
    wall.turn(reconcile.OVERDUE_AFTER + timedelta(seconds=1))
    assert reconcile.call_for_help(timezone.now()) == 1
    assert state(order) == State.NEEDS_ATTENTION


def test_orders_of_an_hour_that_is_still_to_come_count_for_no_minute(
    desk: Desk, wall: Wall
) -> None:
    TradeLimit.objects.create(user=desk.trader, orders_per_minute=1)
    wall.turn(HOUR)
    assert desk.send().state == State.FILLED
    wall.turn(-HOUR)
    assert desk.send().state == State.FILLED
    assert desk.send().state == State.DENIED


def test_a_late_fill_is_looked_for_though_its_order_ended_in_the_future(
    desk: Desk, wall: Wall
) -> None:
    now = timezone.now()
    order = make_order(
        desk.accounts["2"],
        state=State.NOT_EXECUTED,
        agent=desk.agent(),
        contract="2",
        claimed_at=now,
        ended_at=now,
        looked_at=now - timedelta(seconds=5),
    )
    assert late_fills.due(now) == []
    wall.turn(-HOUR)
    assert late_fills.due(timezone.now()) == [order]
    Order.objects.filter(pk=order.pk).update(looked_at=timezone.now())
    assert late_fills.due(timezone.now()) == []
