"""What an answer makes of an order, and what follows from it."""

import logging
from decimal import Decimal

import pytest
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts import polls
from accounts.agents import TradeAnswer
from accounts.models import Agent
from tests.factories import make_account
from tests.trading.desk import Desk
from tests.valkey import PrivateValkey
from tests.waiting import eventually
from trading import closing, outcomes
from trading.diagram import State
from trading.models import Order

pytestmark = pytest.mark.django_db


def waiting_tasks() -> int:
    return int(polls._connection().llen("celery"))  # type: ignore[arg-type]


def test_after_an_order_its_account_is_polled_again_soon_and_no_other(desk: Desk) -> None:
    others = Agent.objects.exclude(pk=desk.agent().pk).get().next_poll_at
    assert desk.send().state == State.FILLED
    soon = timezone.now() + outcomes.SENDER_READS
    assert Agent.objects.get(pk=desk.agent().pk).next_poll_at <= soon
    assert Agent.objects.exclude(pk=desk.agent().pk).get().next_poll_at == others


def test_where_nobody_waits_for_an_outcome_a_worker_is_told_to_read_the_account_at_once(
    desk: Desk,
    valkey: PrivateValkey,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    others = Agent.objects.exclude(pk=desk.agent().pk).get().next_poll_at
    with django_capture_on_commit_callbacks(execute=True):
        outcomes.poll_soon(desk.send())
    assert Agent.objects.get(pk=desk.agent().pk).next_poll_at <= timezone.now()
    assert Agent.objects.exclude(pk=desk.agent().pk).get().next_poll_at == others
    assert eventually(lambda: waiting_tasks() == 1)


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
