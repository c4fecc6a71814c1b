"""Orders that ended without execution and were executed after all: found, and asked for rarely."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Agent
from accounts.polling import poller
from agent.simulated.trade_faults import fault_of
from tests.factories import make_account, make_position
from tests.trading.desk import Desk
from tests.waiting import eventually
from trading import late_fills, reconcile, wire
from trading.models import Order
from trading.states import State

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def lied_about(desk: Desk, **changes: Any) -> Order:
    """Refused by a broker that executes it a moment later."""
    member = desk.venue.member("2")
    member.terminal.broker.faults.queued.append(fault_of("lie", 0.01))
    before = len(desk.venue.entries("2", "execution"))
    order = desk.send(**changes)
    assert order.state == State.REJECTED
    venue = member.terminal.world

    def executed() -> bool:
        venue.advance()
        return len(desk.venue.entries("2", "execution")) > before

    assert eventually(executed)
    return order


def ended_ago(order: Order, **ago: int) -> None:
    Order.objects.filter(pk=order.pk).update(ended_at=timezone.now() - timedelta(**ago))


def test_an_open_position_with_its_mark_is_found_where_it_is_read(desk: Desk) -> None:
    order = lied_about(desk)
    assert [one.ok for one in poller.refresh([desk.agent()])] == [True]
    reconcile.tend()
    order.refresh_from_db()
    assert order.state == State.LATE_FILL
    (execution,) = desk.venue.entries("2", "execution")
    assert order.position_ticket == execution["deal"].position_id
    assert "stands at the open position" in order.reason


def test_a_mark_on_another_account_is_another_trade(desk: Desk) -> None:
    """Programs that copy trades copy their comments."""
    desk.venue.steer("2", next_order="reject")
    order = desk.send()
    make_position(make_account(), magic=order.magic, comment=order.tag)
    reconcile.tend()
    order.refresh_from_db()
    assert order.state == State.REJECTED


def test_one_that_is_closed_again_is_found_in_the_history(desk: Desk) -> None:
    order = lied_about(desk)
    (execution,) = desk.venue.entries("2", "execution")
    deal = execution["deal"]
    assert desk.send(kind="close", position=deal.position_id).state == State.FILLED
    reconcile.tend()
    order.refresh_from_db()
    assert order.state == State.REJECTED  # too early for a look
    ended_ago(order, minutes=2)
    reconcile.tend()
    order.refresh_from_db()
    assert order.state == State.LATE_FILL
    assert (order.position_ticket, float(order.filled_volume or 0)) == (deal.position_id, 0.1)
    assert str(deal.ticket) in order.reason


def test_a_close_that_was_executed_after_all_is_found_too(desk: Desk) -> None:
    opened = desk.send()
    order = lied_about(desk, kind="close", position=opened.position_ticket)
    ended_ago(order, minutes=2)
    reconcile.tend()
    order.refresh_from_db()
    assert order.state == State.LATE_FILL


def test_it_is_asked_for_a_few_times_and_then_left(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.venue.steer("2", next_order="reject")
    order, asked = desk.send(), []
    monkeypatch.setattr(wire, "deals", lambda one: asked.append(one.pk) or ())
    now = order.ended_at
    assert now is not None
    for minute in (*range(0, 90, 5), *range(90, 24 * 60, 45)):
        for _ in range(2):
            late_fills.raise_late_fills(now + timedelta(minutes=minute, seconds=1))
    assert len(asked) == len(late_fills.LOOKS)


@pytest.mark.parametrize("state", [State.DENIED, State.EXPIRED, State.CANCELLED])
def test_what_was_never_claimed_is_not_asked_for(desk: Desk, state: State) -> None:
    order = desk.place()
    Order.objects.filter(pk=order.pk).update(state=state, ended_at=order.placed_at)
    assert late_fills.due(timezone.now() + timedelta(hours=1)) == []


def test_an_agent_that_is_away_or_off_holds_up_nothing(desk: Desk) -> None:
    desk.venue.steer("2", next_order="reject")
    order = desk.send()
    ended_ago(order, minutes=2)
    desk.venue.member("2").enter("down")
    reconcile.tend()
    order.refresh_from_db()
    assert order.state == State.REJECTED
    later = timezone.now() + timedelta(hours=1)
    assert late_fills.due(later) == [order]
    for away in ({"status": "offline"}, {"status": "online", "enabled": False}):
        Agent.objects.update(**away)
        assert late_fills.due(later) == []
