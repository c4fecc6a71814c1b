"""Late fills over contract 1, which has no marks: new positions that no other order opened."""

import time
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from accounts.models import Account, Agent, Position
from accounts.polling import poller
from tests.factories import make_account, make_online_agent, make_order, make_position, make_user
from tests.trading.desk import Desk
from tests.trading.stage import Stage
from trading import late_fills, reconcile, settling
from trading.models import Order
from trading.states import State

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
ENDED = [State.NOT_EXECUTED, State.REJECTED, State.NOT_SENT, State.CLOSED_EXTERNALLY]
TENTH = Decimal("0.10")
HELD = 10**12  # the ticket of what was open before


@pytest.fixture
def account(db: None) -> Account:
    """Read just now, by an agent of contract 1."""
    return make_account(agent=make_online_agent(contract="1"), open_positions=1)


def ended(account: Account, ago: int = 60, **columns: Any) -> Order:
    """One that was sent, and ended so many seconds ago without a fill."""
    at = timezone.now() - timedelta(seconds=ago)
    times = {"placed_at": at, "claimed_at": at, "ended_at": at}
    columns = {"contract": "1", "state": "rejected", "tickets_before": [HELD]} | times | columns
    return make_order(account, **columns)


def looked(order: Order) -> Order:
    late_fills.raise_late_fills(timezone.now())
    return Order.objects.get(pk=order.pk)


@pytest.mark.parametrize("state", ENDED)
def test_a_new_position_like_it_is_its_late_fill(account: Account, state: State) -> None:
    order = ended(account, state=state)
    position = make_position(account)
    order = looked(order)
    assert order.state == State.LATE_FILL
    assert order.position_ticket == position.ticket
    assert (order.filled_volume, order.price) == (TENTH, position.open_price)
    assert f"A new position matches it: BUY 0.1 EURUSD #{position.ticket}." in order.reason
    assert "whether a person opened it by hand" in order.reason


@pytest.mark.parametrize("state", [State.DENIED, State.EXPIRED, State.CANCELLED])
def test_one_that_was_never_sent_has_none(account: Account, state: State) -> None:
    order = ended(account, state=state, claimed_at=None)
    make_position(account)
    assert looked(order).state == state


@pytest.mark.parametrize(
    "other",
    [
        {"ticket": HELD},  # it was there before
        {"symbol": "GBPUSD"},
        {"side": "SELL"},
        {"volume": Decimal("0.11")},
        {"volume": Decimal("0.09")},
    ],
)
def test_another_position_is_not_its(account: Account, other: dict[str, Any]) -> None:
    order = ended(account)
    make_position(account, **other)
    assert looked(order).state == State.REJECTED


@pytest.mark.parametrize("name", ["position_ticket", "order_ticket"])
@pytest.mark.parametrize("state", [State.FILLED, State.PARTIAL, State.LATE_FILL])
def test_a_position_of_another_order_is_not_its(account: Account, name: str, state: State) -> None:
    order = ended(account)
    position = make_position(account)
    ended(account, ago=50, state=state, **{name: position.ticket})
    assert looked(order).state == State.REJECTED


@pytest.mark.parametrize("state", [State.SENDING, State.UNKNOWN, State.NEEDS_ATTENTION])
def test_while_another_order_may_have_opened_it_nothing_is_said(
    account: Account, state: State
) -> None:
    order, position = ended(account), make_position(account)
    other = ended(account, ago=30, state=state, ended_at=None)
    assert looked(order).state == State.REJECTED
    Order.objects.filter(pk=other.pk).update(state="rejected", ended_at=timezone.now())
    Agent.objects.update(last_seen_at=timezone.now())
    late_fills.raise_late_fills(timezone.now())
    states = Order.objects.order_by("pk").values_list("state", "position_ticket")
    assert list(states) == [("rejected", None), ("late-fill", position.ticket)]
    assert "Another order that ended" in Order.objects.get(pk=other.pk).reason


def test_one_that_a_person_settled_without_its_ticket_accounts_for_one(account: Account) -> None:
    order = ended(account)
    make_position(account)
    ended(account, ago=30, state="filled", settled_by="boss")
    assert looked(order).state == State.REJECTED
    make_position(account)
    assert looked(order).state == State.LATE_FILL


def test_of_two_orders_the_one_whose_answer_was_lost_has_it(account: Account) -> None:
    lost = ended(account, ago=90, unknown_at=timezone.now())
    refused = ended(account, ago=30)
    make_position(account)
    assert looked(lost).state == State.LATE_FILL
    assert looked(refused).state == State.REJECTED


def test_two_that_could_be_it_alarm_and_neither_is_taken_for_it(account: Account) -> None:
    order = ended(account)
    tickets = [make_position(account).ticket for _ in range(2)]
    order = looked(order)
    assert (order.state, order.position_ticket) == (State.LATE_FILL, None)
    assert order.reason.startswith("It may have been executed after all. 2 new positions match it")
    assert order.events.get().data == tickets


def test_of_a_reading_from_before_its_end_nothing_is_taken(account: Account) -> None:
    """Its position may have been closed before the order was sent."""
    order = ended(account)
    make_position(account)
    Agent.objects.update(last_seen_at=timezone.now() - timedelta(seconds=61))
    assert looked(order).state == State.REJECTED
    Agent.objects.update(last_seen_at=timezone.now())
    Account.objects.update(positions_error="They could not be read.")
    assert looked(order).state == State.REJECTED
    Account.objects.update(positions_error="")
    assert looked(order).state == State.LATE_FILL


def test_it_is_watched_while_a_position_cannot_be_read(account: Account) -> None:
    order = ended(account, ago=601)
    odd = [{"ticket": 5, "symbol": "", "problem": "volume: missing"}]
    Account.objects.update(unreadable_positions=odd)
    assert looked(order).looked_at is None
    Account.objects.update(unreadable_positions=[])
    make_position(account, ticket=5)
    assert looked(order).state == State.LATE_FILL


def test_one_that_is_claimed_sent_and_shown_while_it_is_looked_for_is_not_its(
    account: Account,
) -> None:
    """Between two queries, as another process may do it."""
    order, others = ended(account), list[Order]()

    def meanwhile(execute: Any, sql: str, *rest: Any) -> Any:
        if not others and "accounts_position" in sql:
            others.append(ended(account, ago=0, state="sending", ended_at=None))
            make_position(account)
        return execute(sql, *rest)

    with connection.execute_wrapper(meanwhile):
        assert looked(order).state == State.REJECTED
    assert others


def test_what_is_opened_long_after_it_is_no_late_fill(account: Account) -> None:
    order = ended(account, ago=601)
    assert looked(order).looked_at is not None
    make_position(account)
    assert looked(order).state == State.REJECTED


def test_after_an_outage_the_first_reading_counts_however_late_it_is(account: Account) -> None:
    order = ended(account, ago=4 * 3600)
    Agent.objects.update(last_seen_at=timezone.now() - timedelta(hours=5))
    assert looked(order).looked_at is None
    Agent.objects.update(last_seen_at=timezone.now())
    make_position(account)
    assert looked(order).state == State.LATE_FILL


def test_looking_costs_one_query_where_no_order_ended(
    account: Account, django_assert_num_queries: Any
) -> None:
    make_position(account)
    with django_assert_num_queries(1):
        assert late_fills.watched(timezone.now()) == []


# --- at a real agent ----------------------------------------------------------------------------
@pytest.fixture
def boss(db: None) -> User:
    return make_user("trading.settle_order", "accounts.view_account")


def read(desk: Desk) -> None:
    assert [one.ok for one in poller.refresh([desk.agent("1")])] == [True]


def lost(desk: Desk) -> Order:
    """Sent, its answer cut off, and for a person to settle."""
    desk.venue.steer("1", next_answer="cut")
    order = desk.send("1")
    reconcile.tend()
    order.refresh_from_db()
    assert order.state == State.NEEDS_ATTENTION
    return order


def test_one_that_is_settled_as_not_executed_by_mistake_is_found(desk: Desk, boss: User) -> None:
    order = lost(desk)
    assert settling.settle_by_hand(order, boss, State.NOT_EXECUTED, "not in the terminal")
    read(desk)
    reconcile.tend()
    order.refresh_from_db()
    (execution,) = desk.venue.entries("1", "execution")
    assert order.state == State.LATE_FILL
    assert order.position_ticket == execution["deal"].position_id


def test_one_that_a_person_knew_of_and_disowned_is_not(desk: Desk, boss: User) -> None:
    order = lost(desk)
    read(desk)
    (execution,) = desk.venue.entries("1", "execution")
    disowned = [execution["deal"].position_id]
    args = (State.NOT_EXECUTED, "opened by hand", None, disowned)
    assert settling.settle_by_hand(order, boss, *args)
    reconcile.tend()
    order.refresh_from_db()
    assert order.state == State.NOT_EXECUTED


def test_one_that_arrives_after_a_person_gave_it_up_is_found(db: None) -> None:
    stage = Stage()
    try:
        stage.line.fate = "late"
        order = stage.desk.send("1")
        reconcile.tend()
        order.refresh_from_db()
        assert settling.settle_by_hand(order, stage.boss, State.NOT_EXECUTED, "nothing there")
        stage.poll("1")
        reconcile.tend()
        order.refresh_from_db()
        assert order.state == State.NOT_EXECUTED
        stage.wait(240)
        stage.poll("1")
        reconcile.tend()
        order.refresh_from_db()
        assert order.state == State.LATE_FILL
        assert len(stage.venue.entries("1", "execution")) == 1
    finally:
        stage.close()


def test_a_lie_of_a_broker_is_found(desk: Desk) -> None:
    desk.venue.steer("1", next_order="no-money")
    order = desk.send("1")
    assert order.state == State.REJECTED
    account = desk.venue.member("1").terminal.account
    symbol = account.market.quotes["EURUSD"].symbol
    opened = account.open(symbol, 0, 0.1, int(time.time()))
    read(desk)
    assert Position.objects.filter(ticket=opened.ticket).exists()
    reconcile.tend()
    order.refresh_from_db()
    assert (order.state, order.position_ticket) == (State.LATE_FILL, opened.ticket)
