"""Orders sent by real threads at once, each with a connection of its own, on both databases."""

from collections import Counter

import pytest

from tests.threads import at_once
from tests.trading.desk import Desk
from trading import orders, reconcile
from trading.models import Order, OrderEvent, TradeLimit
from trading.states import State

pytestmark = [
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
    pytest.mark.usefixtures("valkey"),
    pytest.mark.both_databases,
]


def again(order: Order) -> Order:
    return Order.objects.select_related("agent", "account").get(pk=order.pk)


@pytest.mark.parametrize("contract", ["1", "2"])
def test_ten_threads_that_send_one_row_send_it_once(desk: Desk, contract: str) -> None:
    order = desk.place(contract)
    sent = at_once(lambda _: orders.send(again(order)))
    assert len(desk.sent(contract)) == 1
    assert again(order).state == State.FILLED
    assert {one.state for one in sent} <= {State.SENDING, State.FILLED}
    claims = OrderEvent.objects.filter(order=order, state=State.SENDING)
    assert claims.count() == 1


def test_one_form_sent_ten_times_at_once_is_one_order(desk: Desk) -> None:
    sent = at_once(lambda _: desk.send(key="one click"))
    assert len({order.pk for order in sent}) == 1
    assert len(desk.sent()) == 1


@pytest.mark.parametrize("contract", ["1", "2"])
def test_orders_at_once_on_one_account_are_sent_one_after_another(
    desk: Desk, contract: str
) -> None:
    rows = [desk.place(contract) for _ in range(4)]
    ended = at_once(lambda n: orders.send(again(rows[n])), len(rows))
    assert {order.state for order in ended} == {State.FILLED}, [o.reason for o in ended]
    assert len(desk.sent(contract)) == len(rows)
    steps = OrderEvent.objects.filter(state__in=[State.SENDING, State.FILLED]).order_by("pk")
    # Never two under way: each is over before the next is claimed.
    assert [step.state for step in steps] == [State.SENDING, State.FILLED] * len(rows)


def test_after_an_unknown_outcome_all_others_are_refused(desk: Desk) -> None:
    desk.venue.steer("2", next_answer="cut")
    rows = [desk.place() for _ in range(4)]
    ended = at_once(lambda n: orders.send(again(rows[n])), len(rows))
    assert Counter(order.state for order in ended) == {State.UNKNOWN: 1, State.DENIED: 3}
    assert len(desk.sent()) == 1


@pytest.mark.parametrize("whose", ["everybody", "account", "user"])
def test_a_limit_by_the_minute_holds_for_orders_at_once(desk: Desk, whose: str) -> None:
    names = {"user": {"user": desk.trader}, "account": {"account": desk.accounts["2"]}}
    TradeLimit.objects.create(orders_per_minute=2, **names.get(whose, {}))
    rows = [desk.place(contract) for contract in ("1", "2", "2", "1", "2", "2")]
    at_once(lambda n: orders.send(again(rows[n])), len(rows))
    sent = {contract: len(desk.sent(contract)) for contract in ("1", "2")}
    assert sent["2"] == 2 if whose == "account" else sum(sent.values()) == 2


def test_a_cancel_and_a_send_at_once_never_both_happen(desk: Desk) -> None:
    for _ in range(3):
        order, before = desk.place(), len(desk.sent())
        acts = (lambda row: orders.cancel(row, "trader"), orders.send)
        at_once(lambda n, row=order, do=acts: do[n](again(row)), 2)  # type: ignore[misc]
        sent = len(desk.sent()) - before
        assert (again(order).state, sent) in ((State.CANCELLED, 0), (State.FILLED, 1))


def test_reconcilers_at_once_settle_an_order_once(desk: Desk) -> None:
    desk.venue.steer("2", next_answer="cut")
    order = desk.send()
    assert order.state == State.UNKNOWN
    at_once(lambda _: reconcile.tend(), 4)
    assert again(order).state == State.FILLED
    assert OrderEvent.objects.filter(order=order, state=State.FILLED).count() == 1
    assert len(desk.sent()) == 1
