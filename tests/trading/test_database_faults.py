"""The database fails on the way of an order: it is sent once or never, and its outcome is kept."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import InternalError, OperationalError, connection, transaction
from django.utils import timezone

from accounts.models import Agent
from mt5monitor.postgres import Limits
from tests.locks import holding, limited
from tests.trading.desk import Desk
from trading import orders, outcomes, reconcile, recording, wire
from trading.models import Order, OrderEvent
from trading.states import State

pytestmark = [
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
    pytest.mark.usefixtures("valkey"),
    pytest.mark.both_databases,
]
LOCKED = OperationalError("canceling statement due to lock timeout")
ENDED = InternalError("terminating connection due to idle-in-transaction timeout")


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "PAUSES_S", (0.0, 0.0))


def fails(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, fault: Exception, *, times: int = 1
) -> None:
    """The first calls of a function raise; `fault` is what Django makes of what PostgreSQL says."""
    works: Callable[..., Any] = getattr(module, name)
    left = [fault] * times

    def failing(*words: Any, **how: Any) -> Any:
        if left:
            raise left.pop()
        return works(*words, **how)

    monkeypatch.setattr(module, name, failing)


def broken_after_commit(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> None:
    """The first call commits, and the connection breaks before that is heard."""
    works, left = getattr(module, name), [ENDED]

    def failing(*words: Any, **how: Any) -> Any:
        order, before = words[0], words[0].state
        done = works(*words, **how)
        if left:
            order.state = before
            raise left.pop()
        return done

    monkeypatch.setattr(module, name, failing)


@pytest.mark.parametrize("fault", [LOCKED, ENDED], ids=["locked", "ended"])
def test_a_claim_that_fails_is_made_again_while_the_order_is_valid(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    fails(monkeypatch, orders, "_claim", fault)
    assert desk.send().state == State.FILLED
    assert len(desk.sent()) == 1


def test_a_claim_that_was_rolled_back_after_its_change_is_made_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = orders._claim

    def rolled_back(order: Order) -> bool:
        monkeypatch.setattr(orders, "_claim", claim)
        with transaction.atomic():
            orders.change(order, State.SENDING, "Sent.")
            raise ENDED

    monkeypatch.setattr(orders, "_claim", rolled_back)
    assert desk.send().state == State.FILLED
    assert len(desk.sent()) == 1


def test_a_claim_that_was_committed_unheard_is_never_sent(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken_after_commit(monkeypatch, orders, "_claim")
    order = desk.send()
    assert order.state == State.SENDING
    assert desk.sent() == []
    reconcile.give_up(timezone.now() + timedelta(minutes=2))
    order.refresh_from_db()
    assert order.state == State.UNKNOWN


def test_an_order_whose_account_could_not_be_noted_before_is_not_sent(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails(monkeypatch, wire, "look_before", LOCKED)
    order = desk.send("1")
    assert order.state == State.NOT_SENT
    assert order.reason == "The database failed before it was sent. Nothing was sent."
    assert desk.sent("1") == []


@pytest.mark.parametrize("contract", ["1", "2"])
@pytest.mark.parametrize("fault", [LOCKED, ENDED], ids=["locked", "ended"])
def test_an_outcome_that_could_not_be_written_is_written_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, contract: str, fault: Exception
) -> None:
    fails(monkeypatch, outcomes, "change", fault)
    order = desk.send(contract)
    assert order.state == State.FILLED
    assert len(desk.sent(contract)) == 1


def test_an_outcome_that_was_committed_unheard_is_one_step_of_the_journal(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken_after_commit(monkeypatch, outcomes, "change")
    order = desk.send()
    assert order.state == State.FILLED
    assert list(OrderEvent.objects.filter(order=order).values_list("state", flat=True)) == [
        "queued",
        "sending",
        "filled",
    ]


def test_an_outcome_that_cannot_be_written_at_all_is_looked_for(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as failing:
        fails(failing, outcomes, "change", LOCKED, times=9)
        with pytest.raises(OperationalError):
            desk.send()
    assert "its outcome is written a last time. It is: TradeAnswer(outcome='done'" in caplog.text
    order = Order.objects.get()
    assert order.state == State.SENDING
    later = timezone.now() + timedelta(minutes=2)
    reconcile.give_up(later)
    reconcile.tend()
    order.refresh_from_db()
    assert order.state == State.FILLED
    assert len(desk.sent()) == 1


def test_what_was_proven_unsent_is_written_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.move("2", "http://127.0.0.1:9")
    fails(monkeypatch, outcomes, "change", LOCKED)
    assert desk.send().state == State.NOT_SENT


def test_settling_an_order_succeeds_though_its_agent_cannot_be_polled_earlier(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Locked:
        @staticmethod
        def update(**_: Any) -> int:
            raise LOCKED

    monkeypatch.setattr(outcomes.Agent.objects, "filter", lambda **_: Locked)
    order = desk.place()
    outcomes._poll(order, timezone.now())


# --- rows that another session holds ------------------------------------------------------------
on_postgres = pytest.mark.skipif(connection.vendor == "sqlite", reason="has one writer at a time")


@pytest.fixture
def short_waits() -> Iterator[None]:
    with limited(Limits(lock=0.1)):
        yield


@on_postgres
@pytest.mark.usefixtures("short_waits")
def test_an_order_with_a_locked_row_holds_up_no_other_one(desk: Desk) -> None:
    locked, other = desk.place(), desk.place("1")
    with holding(Order.objects.filter(pk=locked.pk)):
        assert reconcile.expire(timezone.now() + timedelta(minutes=1)) == 1
        other.refresh_from_db()
        assert other.state == State.EXPIRED
    assert reconcile.expire(timezone.now() + timedelta(minutes=1)) == 1


@on_postgres
@pytest.mark.usefixtures("short_waits")
def test_an_order_is_settled_while_its_agents_row_is_locked(desk: Desk) -> None:
    order = desk.place()
    with holding(Agent.objects.all()):
        assert orders.send(order).state == State.FILLED
    assert len(desk.sent()) == 1
