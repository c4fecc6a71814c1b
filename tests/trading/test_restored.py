"""A database of yesterday: what happened since is at the broker, and unknown here."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from tests.factories import make_account, make_order, make_user, make_versus
from tests.trading.desk import Desk
from trading import orders, reconcile, restored
from trading.models import Order, TradingSwitch, Versus
from trading.permits import refusal_of_the_switch
from trading.states import State
from trading.switching import turn
from trading.versus import schedule
from trading.versus.driver import drive
from trading.versus.states import State as VersusState

NOTICE = "The database was restored from a backup: it is older than STATE_DIR"

pytestmark = [pytest.mark.usefixtures("valkey"), pytest.mark.both_databases]


@contextmanager
def lost() -> Iterator[None]:
    """What is done in here is at the broker, and in no backup."""
    backup = transaction.savepoint()
    yield
    transaction.savepoint_rollback(backup)


def row(order: Order) -> Order:
    return Order.objects.get(pk=order.pk)


def look(order: Order) -> Order:
    Order.objects.update(looked_at=None)
    reconcile.tend()
    return row(order)


def test_an_order_that_waited_and_was_sent_since_is_found_and_never_sent_again(desk: Desk) -> None:
    order = desk.place("2")
    with lost():
        assert orders.send(row(order)).state == State.FILLED
    assert row(order).state == State.QUEUED
    restored.stop(NOTICE)
    assert row(order).state == State.UNKNOWN
    assert look(order).state == State.FILLED
    assert len(desk.sent("2")) == 1


def test_with_contract_1_a_person_is_asked_what_became_of_it(desk: Desk) -> None:
    order = desk.place("1")
    with lost():
        assert orders.send(row(order)).state == State.FILLED
    restored.stop(NOTICE)
    assert look(order).state == State.NEEDS_ATTENTION
    assert len(desk.sent("1")) == 1


def test_an_order_that_was_on_its_way_is_found_and_never_sent_again(desk: Desk) -> None:
    order = desk.place("2")
    assert orders._claim(order)
    with lost():
        orders._transmit(order)
        assert row(order).state == State.FILLED
    assert row(order).state == State.SENDING
    restored.stop(NOTICE)
    Order.objects.update(deadline=timezone.now() - timedelta(minutes=1))
    assert look(order).state == State.FILLED
    assert len(desk.sent("2")) == 1


def test_switching_trading_on_sends_nothing_that_waited(desk: Desk) -> None:
    order = desk.place("2")
    restored.stop(NOTICE)
    turn(make_user("trading.stop_trading"), on=True, reason="Compared with the terminals")
    assert orders.send(row(order)).state == State.UNKNOWN
    reconcile.tend()
    assert desk.sent("2") == []


def test_of_two_that_waited_at_one_account_each_is_watched(db: None) -> None:
    account = make_account()
    first, second = make_order(account), make_order(account)
    restored.stop(NOTICE)
    assert (row(first).state, row(second).state) == (State.UNKNOWN, State.EXPIRED)
    assert row(second).reason == restored.ORDER_WAITED
    # Claimed: should its mark be seen at the broker, that is an alarm.
    assert row(second).claimed_at == second.placed_at


def test_what_had_ended_stays_as_it_is(db: None) -> None:
    account = make_account()
    ended = [make_order(account, state=state) for state in (State.FILLED, State.REJECTED)]
    restored.stop(NOTICE)
    assert [row(order).state for order in ended] == [State.FILLED, State.REJECTED]


@pytest.fixture
def runner(db: None) -> User:
    return make_user("trading.run_versus", "trading.acknowledge_firm_rules")


def begun(runner: User, state: VersusState) -> Versus:
    at = timezone.now() - timedelta(seconds=5)
    return make_versus(runner, state=state, run=1, freeze_at=at, transfer_at=at)


UNDER_WAY = [
    VersusState.FREEZING,
    VersusState.TRANSFERRING,
    VersusState.UNPROTECTED,
    VersusState.CLOSING,
]
AT_REST = [VersusState.PENDING, VersusState.FROZEN, VersusState.TRANSFERRED]


@pytest.mark.parametrize("state", UNDER_WAY)
def test_a_versus_that_was_under_way_waits_for_a_person(
    runner: User, trading_on: None, settings: Settings, state: VersusState
) -> None:
    settings.VERSUS_ENABLED = True
    versus = begun(runner, state)
    restored.stop(NOTICE)
    TradingSwitch.objects.update(is_on=True)
    for _ in range(3):
        schedule.tend()
        drive(Versus.objects.get())
    versus.refresh_from_db()
    assert (versus.state, versus.freeze_at, versus.transfer_at) == ("diverged", None, None)
    assert versus.reason == restored.HALTED
    assert not Order.objects.exists()


@pytest.mark.parametrize("state", AT_REST)
def test_nothing_stays_scheduled(
    runner: User, trading_on: None, settings: Settings, state: VersusState
) -> None:
    settings.VERSUS_ENABLED = True
    versus = begun(runner, state)
    restored.stop(NOTICE)
    TradingSwitch.objects.update(is_on=True)
    schedule.tend()
    versus.refresh_from_db()
    assert (versus.freeze_at, versus.transfer_at) == (None, None)
    assert versus.events.filter(text=restored.UNSCHEDULED).count() == 1
    assert versus.state != VersusState.MISSED
    assert not Order.objects.exists()


def test_the_switch_says_what_was_noticed_and_what_to_do(trading_on: None, client: Client) -> None:
    boss = make_user("accounts.view_account", "trading.stop_trading")
    client.force_login(boss)
    restored.stop(NOTICE)
    reason = f"All trading is switched off by the monitor: {NOTICE}. {restored.WHAT_TO_DO}"
    assert refusal_of_the_switch() == reason
    assert reason in client.get("/trading/switch/").content.decode()
    client.post("/trading/switch/", {"turn": "on", "reason": "Compared with the terminals"})
    assert refusal_of_the_switch() == ""
    assert "Orders are allowed; switched on by" in client.get("/trading/switch/").content.decode()
