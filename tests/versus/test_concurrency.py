"""Many drivers of one versus at once, as web processes, workers and beats are."""

import threading
from decimal import Decimal

import pytest
from django.utils import timezone

from tests.threads import at_once
from tests.versus.pair import Pair
from trading.models import Versus
from trading.versus import desk, driver
from trading.versus.changes import change
from trading.versus.checks import Check
from trading.versus.desk import NotNow
from trading.versus.driver import drive
from trading.versus.states import State

pytestmark = [
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
    pytest.mark.both_databases,
]
DRIVERS = 6


def drive_at_once(pk: int) -> None:
    at_once(lambda _: drive(Versus.objects.get(pk=pk)), DRIVERS)


def test_drivers_at_once_open_each_leg_once(pair: Pair) -> None:
    versus = pair.created()
    change(versus, State.FREEZING, "by hand", run=1)
    drive_at_once(versus.pk)
    versus.refresh_from_db()
    drive(versus)
    assert versus.state == State.FROZEN
    assert pair.held("a", versus) == [("BUY", Decimal("0.10")), ("SELL", Decimal("0.10"))]
    assert len(pair.venue.entries("2", "send")) == 2


def test_drivers_at_once_write_each_step_into_the_timeline_once(pair: Pair) -> None:
    versus = pair.created()
    change(versus, State.FREEZING, "by hand", run=1)
    drive(versus)
    order = versus.orders.earliest("pk")
    order.placed_at = timezone.now()  # later than its event, so that it is not in the timeline yet
    at_once(lambda _: driver._tell(versus, order, 1, None), DRIVERS)  # noqa: SLF001
    assert versus.events.filter(step=order.step, at__gte=order.placed_at).count() == 1


def test_drivers_at_once_undo_each_leg_once(pair: Pair) -> None:
    versus = pair.created()
    change(versus, State.FREEZING, "by hand", run=1)
    pair.venue.steer("2", next_order=["slippage", "no-money"])
    drive_at_once(versus.pk)
    versus.refresh_from_db()
    drive(versus)
    assert versus.state == State.COMPENSATED
    assert pair.held("a", versus) == []
    assert len(pair.venue.entries("2", "send")) == 3


def test_an_account_of_two_versus_that_are_made_at_once_is_part_of_one(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A of the one is B of the other, which no constraint sees."""
    ready = threading.Barrier(2)
    roles = {"account_a": pair.accounts["b"], "account_b": pair.accounts["a"]}
    made = [pair.new(), pair.new(**roles)]

    def nothing_against_it(*_: object) -> list[Check]:
        ready.wait(20)
        return []

    def create(number: int) -> str:
        try:
            return desk.create(made[number], pair.user).state
        except NotNow as error:
            return str(error)

    monkeypatch.setattr(desk, "failures", nothing_against_it)
    refused, done = sorted(at_once(create, 2))
    assert "is part of versus" in refused
    assert done == State.PENDING
    assert Versus.objects.count() == 1
