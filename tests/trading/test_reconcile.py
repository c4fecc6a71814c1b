"""What becomes of orders whose outcome was lost: found by proof, or a person is asked."""

import logging
import time
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts.agents import DealsReading, NotSent, OrderRecord, TradeAnswer
from accounts.agents.listed import Unreadable
from accounts.agents.signing import CLOCK_SKEW
from accounts.models import Agent
from tests.factories import make_user
from tests.trading.desk import Desk
from tests.trading.test_evidence import account as reading
from tests.trading.test_evidence import deal
from trading import orders, reconcile, settling, wire
from trading.models import Order, OrderEvent
from trading.states import State

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


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


def expired(order: Order, ago: float = 60) -> None:
    """As if the time in which the agent takes it were over, by any clock that it may have."""
    from django.db import connection

    from trading import triggers

    triggers.drop(connection)
    Order.objects.filter(pk=order.pk).update(valid_until=timezone.now() - timedelta(seconds=ago))
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
    with pytest.raises(PermissionDenied):
        settling.settle_by_hand(order, desk.trader, State.FILLED, "seen in the terminal")
    with pytest.raises(ValueError, match="reason"):
        settling.settle_by_hand(order, boss, State.FILLED, " ")
    assert settling.settle_by_hand(order, boss, State.FILLED, "seen in the terminal")
    order.refresh_from_db()
    assert (order.state, order.settled_by) == (State.FILLED, boss.username)
    assert not settling.settle_by_hand(order, boss, State.NOT_EXECUTED, "changed my mind")


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


def test_a_part_is_proven_only_by_deals_all_of_which_could_be_read(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest of it may be the one that could not."""
    order = lost(desk)
    part = deal(order, volume=Decimal("0.04"))
    odd = Unreadable(3, "EURUSD", "volume: missing")
    monkeypatch.setattr(
        wire, "record", lambda _: OrderRecord("ended", TradeAnswer(outcome="unknown"))
    )
    monkeypatch.setattr(wire, "read_account", lambda _: reading())
    for unreadable, state in (((odd,), State.UNKNOWN), ((), State.PARTIAL)):
        told = DealsReading(order.login, "", (part,), unreadable=unreadable)
        monkeypatch.setattr(wire, "deals_reading", lambda _, told=told: told)
        assert reconcile.look(order)
        order.refresh_from_db()
        assert order.state == state


def test_two_that_look_at_once_count_an_absence_once(desk: Desk) -> None:
    order = never_arrived(desk)
    expired(order)
    first, second = (Order.objects.get(pk=order.pk) for _ in range(2))
    assert reconcile.look(first)
    assert not reconcile.look(second)
    order.refresh_from_db()
    assert order.absences == 1


def test_an_order_that_expired_here_is_not_over_at_an_agent_with_a_slow_clock(
    desk: Desk,
) -> None:
    order = never_arrived(desk)
    expired(order, ago=CLOCK_SKEW)
    for _ in range(3):
        order = again(later(order, 45))
    assert (order.state, order.absences) == (State.UNKNOWN, 0)


def test_when_every_look_fails_a_person_is_asked_all_the_same(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    order = lost(desk)

    def fail(_: Order) -> None:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(wire, "record", fail)
    with caplog.at_level(logging.CRITICAL, "trading"):
        order = again(later(again(order), 200))
    assert order.state == State.NEEDS_ATTENTION
    monkeypatch.undo()
    assert again(later(order, 200)).state == State.FILLED


def test_an_agent_that_does_not_answer_in_time_was_looked_at(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = lost(desk)

    def wait(_: Order) -> None:
        raise TimeoutError

    monkeypatch.setattr(wire, "record", wait)
    assert again(later(again(order), 90)).state == State.NEEDS_ATTENTION


def test_an_agent_that_is_away_for_days_fills_no_journal(desk: Desk) -> None:
    order = lost(desk)
    desk.venue.member("2").enter("down")
    for _ in range(5):
        order = again(later(order, 90))
    failed = order.events.filter(text__startswith="Looking for it failed")
    assert failed.count() == 1


def test_an_agent_that_is_away_is_asked_seldom_once_a_person_was(desk: Desk) -> None:
    order = lost(desk)
    Order.objects.filter(pk=order.pk).update(state=State.NEEDS_ATTENTION, looked_at=timezone.now())
    Agent.objects.update(status="offline")
    assert again(later(Order.objects.get(pk=order.pk), 200)).state == State.NEEDS_ATTENTION
    assert again(later(Order.objects.get(pk=order.pk), 400)).state == State.FILLED


def test_an_order_whose_agent_is_gone_is_never_reported_as_not_sent(
    desk: Desk,
) -> None:
    order = lost(desk)
    Agent.objects.filter(pk=order.agent_id).update(url="http://127.0.0.1:9/moved")
    order = again(again(order))
    assert "agent of this order is gone" in " ".join(event.text for event in order.events.all())
    assert not order.events.filter(text__icontains="nothing was sent").exists()


def test_proof_that_nothing_was_sent_counts_also_when_it_comes_late(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_late(order: Order) -> None:
        Order.objects.filter(pk=order.pk).update(deadline=timezone.now() - timedelta(minutes=1))
        assert reconcile.give_up(timezone.now()) == 1
        raise NotSent("The agent refused it.")

    monkeypatch.setattr(wire, "trade", too_late)
    order = desk.send()
    assert (order.state, order.reason) == (State.NOT_EXECUTED, "The agent refused it.")


# --- contract 1: what an order asked for holds --------------------------------------------------
@pytest.fixture
def opened(desk: Desk) -> Order:
    """A position behind the agent of contract 1."""
    order = desk.send("1")
    assert order.state == State.FILLED
    return order


def test_two_readings_without_the_position_settle_its_close_over_contract_1(
    desk: Desk, opened: Order
) -> None:
    order = again(lost(desk, "1", kind="close", position=opened.order_ticket))
    assert (order.state, order.absences) == (State.UNKNOWN, 1)
    order = again(later(order, 3))
    assert order.state == State.CLOSED_EXTERNALLY
    assert "this order or something else closed it. The history shows it." in order.reason
    (closing,) = [e["deal"] for e in desk.venue.entries("1", "execution") if e["deal"].entry]
    assert float(order.price or 0) == closing.price
    assert desk.send("1").state == State.FILLED  # the account is not locked any more


def test_without_a_history_absence_counts_once_no_answer_can_come(
    desk: Desk, opened: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A terminal that starts may show no positions for a while."""
    monkeypatch.setattr(wire, "deals", lambda _: ())
    order = lost(desk, "1", kind="close", position=opened.order_ticket)
    for _ in range(3):
        Order.objects.filter(pk=order.pk).update(looked_at=None)
        order = again(order)
        assert (order.state, order.absences) == (State.UNKNOWN, 0)
    order = again(again(later(order, 50)))
    assert (order.state, order.absences) == (State.UNKNOWN, 1)
    assert again(later(order, 50)).state == State.CLOSED_EXTERNALLY


def test_a_reading_that_shows_the_position_starts_the_count_of_absences_again(
    desk: Desk, opened: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = never_sent(desk, opened)
    read, empty = wire.read_account, msgspec.structs.replace(wire.read_account(order), positions=())
    monkeypatch.setattr(wire, "deals", lambda _: ())
    for absences, account in ((1, empty), (0, None), (1, empty)):
        monkeypatch.setattr(wire, "read_account", lambda one, told=account: told or read(one))
        order = again(later(order, 50))
        assert (order.state, order.absences) == (State.UNKNOWN, absences)


def never_sent(desk: Desk, opened: Order) -> Order:
    """A close that was claimed by a sender that died before it sent."""
    order = desk.place("1", kind="close", position=opened.order_ticket)
    assert orders._claim(order)
    return again(later(order, 40))


def test_a_close_whose_position_is_still_open_asks_a_person_after_a_minute(
    desk: Desk, opened: Order
) -> None:
    order = again(later(never_sent(desk, opened), 40))
    assert order.state == State.UNKNOWN
    order = again(later(order, 62))
    assert order.state == State.NEEDS_ATTENTION
    assert "was still open" in order.reason


def test_it_settles_by_itself_also_after_a_person_was_asked(desk: Desk, opened: Order) -> None:
    order = again(later(never_sent(desk, opened), 62))
    assert order.state == State.NEEDS_ATTENTION
    account = desk.venue.member("1").terminal.account
    account.close(account.positions[opened.order_ticket or 0], int(time.time()))
    for _ in range(2):
        order = again(later(order, 62))
    assert order.state == State.CLOSED_EXTERNALLY


def test_a_modify_whose_levels_stand_is_done(desk: Desk, opened: Order) -> None:
    levels = {"sl": Decimal("0.5"), "position": opened.order_ticket}
    order = again(lost(desk, "1", kind="modify", **levels))
    assert (order.state, order.reason[-30:]) == (State.FILLED, "SL and TP that were asked for.")


def test_a_modify_whose_levels_do_not_stand_asks_a_person_after_a_minute(
    desk: Desk, opened: Order
) -> None:
    order = desk.place("1", kind="modify", sl=Decimal("0.5"), position=opened.order_ticket)
    assert orders._claim(order)
    order = again(again(later(order, 40)))
    assert order.state == State.UNKNOWN
    assert again(later(order, 62)).state == State.NEEDS_ATTENTION
