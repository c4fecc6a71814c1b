"""The door of orders: placed once, sent once, settled as the venue's ledger says."""

import threading
import time
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Agent
from agent.simulated.trade_faults import TRADE_FAULTS
from tests.factories import make_user
from tests.trading.desk import Desk
from trading import orders, outcomes
from trading.models import Order, OrderEvent, TradeLimit, TradingSwitch
from trading.orders import KeyTaken
from trading.sizing import Refused
from trading.states import State

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
CONTRACTS = pytest.mark.parametrize("contract", ["1", "2"])


@CONTRACTS
def test_an_order_is_executed_and_its_row_matches_the_ledger(desk: Desk, contract: str) -> None:
    order = desk.send(contract)
    assert order.state == State.FILLED, order.reason
    (execution,) = desk.venue.entries(contract, "execution")
    deal = execution["deal"]
    assert order.filled_volume in (None, Decimal(str(deal.volume)))
    assert order.price == Decimal(str(deal.price))
    assert (order.position_ticket or order.order_ticket) == deal.position_id
    assert order.ended_at is not None
    assert [event.state for event in order.events.all()] == ["queued", "sending", "filled"]


@CONTRACTS
def test_a_position_is_modified_and_closed(desk: Desk, contract: str) -> None:
    opened = desk.send(contract)
    ticket = opened.position_ticket or opened.order_ticket
    assert opened.price is not None
    level = opened.price - Decimal("0.02")
    moved = desk.send(contract, kind="modify", position=ticket, sl=level)
    assert moved.state == State.FILLED, moved.reason
    closed = desk.send(contract, kind="close", position=ticket)
    assert closed.state == State.FILLED, closed.reason
    assert len(desk.sent(contract)) == 3


def test_the_same_key_is_the_same_order_and_is_sent_once(desk: Desk) -> None:
    first, again = desk.send(key="click"), desk.send(key="click")
    assert first.pk == again.pk
    assert again.state == State.FILLED
    assert len(desk.sent()) == 1


def test_the_same_key_for_something_else_is_refused(desk: Desk) -> None:
    desk.place(key="click")
    with pytest.raises(KeyTaken):
        desk.place(key="click", volume=Decimal("0.2"))
    assert Order.objects.count() == 1


def test_an_order_that_waited_too_long_expires_and_is_never_sent(desk: Desk) -> None:
    order = orders.place(
        desk.accounts["2"], desk.trader, desk.asked(), "late", valid_for=timedelta(0)
    )
    assert orders.send(order).state == State.EXPIRED
    assert desk.sent() == []


def test_a_cancelled_order_is_never_sent(desk: Desk) -> None:
    order = desk.place()
    assert orders.cancel(order, "trader")
    assert orders.send(order).state == State.CANCELLED
    assert not orders.cancel(order, "trader")
    assert desk.sent() == []


def test_without_the_permission_an_order_is_denied(desk: Desk) -> None:
    desk.trader = make_user("accounts.view_account")
    order = desk.send()
    assert (order.state, order.reason) == (
        State.DENIED,
        "You may not trade: the permission is missing.",
    )
    assert desk.sent() == []


def test_a_permission_that_is_taken_away_after_the_click_stops_the_order(desk: Desk) -> None:
    order = desk.place()
    desk.trader.user_permissions.clear()
    assert orders.send(order).state == State.DENIED
    assert desk.sent() == []


SWITCHED_OFF = {
    "the server": lambda desk, settings: setattr(settings, "TRADING_ENABLED", False),
    "everything": lambda desk, settings: TradingSwitch.objects.update(is_on=False),
    "another instance": lambda desk, settings: TradingSwitch.objects.update(instance="copy"),
    "the agent": lambda desk, settings: Agent.objects.update(trading_enabled=False),
    "its polling": lambda desk, settings: Agent.objects.update(enabled=False),
}


@pytest.mark.parametrize("what", SWITCHED_OFF)
def test_with_a_switch_off_nothing_is_sent_also_when_it_was_on_at_the_click(
    desk: Desk, settings: object, what: str
) -> None:
    order = desk.place()
    assert order.state == State.QUEUED
    SWITCHED_OFF[what](desk, settings)
    order = orders.send(Order.objects.get(pk=order.pk))
    assert order.state == State.DENIED
    assert order.reason
    assert desk.sent() == []


def test_an_agent_that_moved_after_the_click_gets_nothing(desk: Desk) -> None:
    order = desk.place()
    Agent.objects.filter(pk=order.agent_id).update(url="http://127.0.0.1:9/elsewhere")
    assert orders.send(Order.objects.get(pk=order.pk)).state == State.DENIED
    assert desk.sent() == []


@pytest.mark.parametrize("change", [{"url": "http://127.0.0.1:9/moved"}, {"enabled": False}])
def test_an_agent_that_changed_unseen_by_the_sender_is_found_out_at_once(
    desk: Desk, change: dict[str, object]
) -> None:
    order = desk.place()
    assert order.agent is not None  # as the sender has it in memory
    Agent.objects.filter(pk=order.agent_id).update(**change)
    assert orders.send(order).state == State.DENIED
    assert desk.sent() == []


def test_a_row_is_sent_once_whoever_sends_it_again(desk: Desk) -> None:
    order = desk.place()
    stale = Order.objects.get(pk=order.pk)
    orders.send(order)
    assert orders.send(stale).state == State.FILLED
    assert len(desk.sent()) == 1


@CONTRACTS
def test_an_outcome_that_is_unknown_locks_the_account(desk: Desk, contract: str) -> None:
    desk.venue.steer(contract, next_answer="cut")
    lost = desk.send(contract)
    assert lost.state == State.UNKNOWN
    second = desk.send(contract)
    assert second.state == State.DENIED
    assert "is unknown" in second.reason
    assert len(desk.sent(contract)) == 1


def test_a_person_who_may_overrides_the_lock_to_close_with_a_reason(desk: Desk) -> None:
    opened = desk.send()
    desk.venue.steer("2", next_answer="cut")
    assert desk.send().state == State.UNKNOWN
    ticket = opened.position_ticket or opened.order_ticket
    refused = desk.send(kind="close", position=ticket, override_reason="the market runs")
    assert refused.state == State.DENIED
    desk.trader = make_user("trading.trade", "trading.override_lock")
    closed = desk.send(kind="close", position=ticket, override_reason="the market runs")
    assert closed.state == State.FILLED, closed.reason


def test_an_override_waits_for_another_one_and_not_for_what_it_overrides(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.trader = make_user("trading.trade", "trading.override_lock")
    first, second, reason = desk.send(), desk.send(), {"override_reason": "the market runs"}
    desk.venue.steer("2", next_answer="cut")
    under_way = desk.place(kind="close", position=first.position_ticket, **reason)
    waiting = desk.place(kind="close", position=second.position_ticket, **reason)
    assert desk.send().state == State.UNKNOWN
    assert orders._claim(under_way)
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        orders._transmit(under_way)

    steady = SimpleNamespace(sleep=wait, monotonic=time.monotonic)
    monkeypatch.setattr(orders, "time", steady)
    assert orders.send(waiting).state == State.FILLED, waiting.reason
    assert len(waited) == 1


def test_an_agent_that_is_not_there_proves_that_nothing_was_sent(desk: Desk) -> None:
    desk.move("2", "http://127.0.0.1:9/agents/2")
    order = desk.send()
    assert order.state == State.NOT_SENT
    assert "sent" in order.reason


LIMITS = [
    ({"max_lots": Decimal("0.05")}, "At most 0.05 lots"),
    ({"symbols": "GBPUSD XAUUSD"}, "EURUSD may not be traded"),
    ({"orders_per_minute": 0}, "At most 0 orders a minute"),
]


@pytest.mark.parametrize(("limit", "why"), LIMITS)
@pytest.mark.parametrize("whose", ["everybody", "user", "account"])
def test_a_limit_holds_for_whom_it_names(
    desk: Desk, limit: dict[str, object], why: str, whose: str
) -> None:
    names = {"user": {"user": desk.trader}, "account": {"account": desk.accounts["2"]}}
    TradeLimit.objects.create(**limit, **names.get(whose, {}))
    order = desk.send()
    assert order.state == State.DENIED
    assert why in order.reason
    assert desk.sent() == []


def test_a_limit_of_somebody_else_does_not_hold(desk: Desk) -> None:
    TradeLimit.objects.create(user=make_user(), max_lots=Decimal("0.01"))
    TradeLimit.objects.create(account=desk.accounts["1"], max_lots=Decimal("0.01"))
    assert desk.send().state == State.FILLED


def test_orders_are_counted_by_the_minute_in_which_they_were_sent(desk: Desk) -> None:
    TradeLimit.objects.create(orders_per_minute=2)
    states = [desk.send().state for _ in range(3)]
    assert states == [State.FILLED, State.FILLED, State.DENIED]
    an_hour_ago = timezone.now() - timedelta(hours=1)
    Order.objects.update(claimed_at=an_hour_ago)
    assert desk.send().state == State.FILLED


def test_every_step_is_in_the_journal_with_the_answer_as_received(desk: Desk) -> None:
    order = desk.send()
    answer = OrderEvent.objects.get(order=order, state="filled").data
    assert answer["outcome"] == "done"
    assert answer["received"]
    placed = OrderEvent.objects.get(order=order, state="queued")
    assert placed.actor == desk.trader.username


def test_the_sender_of_an_order_does_not_wait_for_the_task_that_reads_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    reachable, told = threading.Event(), threading.Event()

    def send_task(*_: object, **__: object) -> None:
        reachable.wait(30)
        told.set()

    monkeypatch.setattr(outcomes.app, "send_task", send_task)
    with django_capture_on_commit_callbacks(execute=True):
        outcomes.poll_soon(desk.send())
    assert not told.is_set()
    reachable.set()
    assert told.wait(30)


@pytest.mark.parametrize("fault", sorted(TRADE_FAULTS))
@CONTRACTS
def test_what_the_venue_says_is_what_the_row_says(desk: Desk, contract: str, fault: str) -> None:
    desk.venue.steer(contract, next_order=fault)
    order = desk.send(contract)
    executed = desk.venue.entries(contract, "execution")
    if order.state in (State.FILLED, State.PARTIAL):
        assert len(executed) == 1
    elif order.state != State.UNKNOWN:
        assert executed == []
    assert order.reason


@pytest.mark.parametrize(
    "figures", [{"volume": Decimal("1e12")}, {"sl": Decimal("1.1234567890123")}]
)
def test_figures_that_no_row_can_hold_are_refused_by_the_door_itself(
    desk: Desk, figures: dict[str, Decimal]
) -> None:
    with pytest.raises(Refused, match=next(iter(figures))):
        desk.place(**figures)
    assert not Order.objects.exists()
