"""What an answer makes of an order, and what follows from it."""

import logging
from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.agents import TradeAnswer
from accounts.models import Account, Agent
from tests.agents.orders import SPEC
from tests.factories import make_account, make_position
from tests.trading.desk import Desk
from tests.valkey import PrivateValkey
from tests.waiting import eventually
from trading import closing, outcomes
from trading.models import Order
from trading.sizing import Refused, check_volume_limit
from trading.states import State

pytestmark = pytest.mark.django_db


def waiting_tasks(valkey: PrivateValkey) -> int:
    with valkey.client() as client:
        return int(client.llen("celery"))  # type: ignore[arg-type]


@pytest.mark.both_databases
def test_after_an_order_its_account_is_polled_again_soon_and_no_other(desk: Desk) -> None:
    others = Agent.objects.exclude(pk=desk.agent().pk).get().next_poll_at
    assert desk.send().state == State.FILLED
    soon = timezone.now() + outcomes.SENDER_READS
    assert Agent.objects.get(pk=desk.agent().pk).next_poll_at <= soon
    assert Agent.objects.exclude(pk=desk.agent().pk).get().next_poll_at == others


def test_after_an_order_that_no_request_waits_for_a_task_reads_its_account(
    desk: Desk,
    valkey: PrivateValkey,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    others = Agent.objects.exclude(pk=desk.agent().pk).get().next_poll_at
    with django_capture_on_commit_callbacks(execute=True):
        outcomes.poll_soon(desk.send())
    assert Agent.objects.get(pk=desk.agent().pk).next_poll_at <= timezone.now()
    assert Agent.objects.exclude(pk=desk.agent().pk).get().next_poll_at == others
    assert eventually(lambda: waiting_tasks(valkey) == 1)


def test_without_valkey_an_order_is_settled_all_the_same(
    desk: Desk,
    valkey: PrivateValkey,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with valkey.away():
        with caplog.at_level(logging.WARNING), django_capture_on_commit_callbacks(execute=True):
            order = desk.send()
            outcomes.poll_soon(order)
        assert order.state == State.FILLED
        assert eventually(lambda: "with the next tick only" in caplog.text)


def test_a_close_that_found_nothing_to_close_does_not_claim_to_have_done_it(desk: Desk) -> None:
    told = TradeAnswer(outcome="done", external=True, price=Decimal("1.1"))
    assert outcomes.words(Order(kind="close"), told).startswith("Something else had closed")


def test_an_unknown_outcome_of_a_close_that_found_no_position_stays_unknown(
    desk: Desk,
) -> None:
    """As of an answer that contradicts itself."""
    order = desk.place(kind="close", position=77)
    Order.objects.filter(pk=order.pk).update(state=State.SENDING, claimed_at=timezone.now())
    order.refresh_from_db()
    assert outcomes.settle(order, TradeAnswer(outcome="unknown", external=True))
    assert order.state == State.UNKNOWN
    assert order.reason.startswith("The outcome is not known yet.")


@pytest.mark.parametrize(
    ("asked", "said"),
    [(None, "0.05 lots, not all of them, were"), (Decimal("0.10"), "of 0.1 were")],
)
def test_a_part_is_told_in_words_also_of_a_close_of_all(asked: Decimal | None, said: str) -> None:
    told = TradeAnswer(outcome="partial", volume=Decimal("0.05"))
    assert said in outcomes.words(Order(kind="close", volume=asked), told)


def test_a_position_that_is_closed_in_part_is_not_counted_as_closed() -> None:
    order = Order(kind="close", state=State.PARTIAL)
    assert (
        closing.Closed(make_account(), [closing.Closing("", "", order)]).summary == "1 not closed"
    )


def test_a_refusal_names_the_limit(desk: Desk) -> None:
    desk.venue.steer("2", next_order=10014)
    order = desk.send()
    assert order.state == State.REJECTED
    assert "at least 0.01 and at most 100 lots an order, in steps of 0.01" in order.reason


@pytest.mark.both_databases
def test_a_refusal_by_first_in_first_out_names_the_position_that_comes_first(desk: Desk) -> None:
    account = desk.accounts["2"]
    opened = timezone.now()
    make_position(account, ticket=3, symbol="EURUSD", opened_at=opened)
    make_position(account, ticket=7, symbol="EURUSD", opened_at=opened - timedelta(hours=1))
    make_position(account, ticket=1, symbol="EURUSD", opened_at=None)
    make_position(account, ticket=2, symbol="XAUUSD", opened_at=opened - timedelta(days=1))
    order = Order(account=account, kind="close", symbol="EURUSD", position=3)
    told = TradeAnswer(outcome="rejected", retcode=10045)
    said = outcomes.words(order, told)
    assert said == "The oldest position of this symbol has to be closed first. That is #7."


@pytest.mark.both_databases
def test_all_are_closed_by_their_age_not_by_their_tickets(desk: Desk) -> None:
    account = Account.objects.select_related("agent").get(pk=desk.accounts["2"].pk)
    tickets = [desk.send().position_ticket or 0 for _ in range(3)]
    at = timezone.now()
    for ticket, age in zip(tickets, (1, 3, None), strict=True):
        opened_at = None if age is None else at - timedelta(hours=age)
        make_position(account, ticket=ticket, symbol="EURUSD", opened_at=opened_at)
    closed = closing.close_account(account, desk.trader, [99, *tickets], "all")
    assert closed.summary == "3 of 4 closed, 1 not open any more"
    sent = [entry["request"]["position"] for entry in desk.sent()[3:]]
    assert sent == [tickets[1], tickets[0], tickets[2]]


def test_more_than_may_stand_open_on_one_side_is_refused_with_the_limit() -> None:
    spec = msgspec.structs.replace(SPEC, volume_limit=Decimal("5"))
    check_volume_limit(Decimal("0.5"), Decimal("4.5"), spec)
    with pytest.raises(Refused) as refused:
        check_volume_limit(Decimal("0.51"), Decimal("4.5"), spec)
    assert str(refused.value) == ("At most 5 lots of EURUSD may be open on one side, and 4.5 are.")
