"""A leg that its broker re-opens under a new ticket is the same leg."""

import time
from decimal import Decimal

import pytest

from accounts.models import Position
from tests.factories import make_user
from tests.pages.reading import words
from tests.versus.pair import Pair
from tests.versus.visitor import LOOK, page_of
from trading.models import Order, Versus
from trading.versus import desk
from trading.versus.legs import ticket_of
from trading.versus.states import State

pytestmark = pytest.mark.django_db
LARGEST = 2**63 - 1


def reopened(pair: Pair, versus: Versus, *steps: str, ticket: int | None = None) -> list[int]:
    """By the broker, as at the end of its day; then both accounts are read. The new tickets."""
    new = []
    for step in steps:
        order = versus.orders.get(step=step, kind="open")
        on_a = order.account_id == versus.account_a_id
        account = pair.venue.member(pair.names["a" if on_a else "b"]).terminal.account
        position = account.positions[ticket_of(order) or 0]
        account.reopen(position, int(time.time()), ticket)
        new.append(position.ticket)
    pair.settled(versus)
    return new


@pytest.mark.parametrize("ticket", [None, LARGEST, 1_234_567_890_123_456_789])
def test_a_frozen_one_stays_frozen_and_close_both_closes_both(
    pair: Pair, ticket: int | None
) -> None:
    versus = pair.frozen()
    (new,) = reopened(pair, versus, "buy", ticket=ticket)
    for _ in range(2):
        versus = pair.much_later(versus)
        assert (versus.state, versus.gone_at) == (State.FROZEN, None), versus.reason
    page = words(page_of(make_user(*LOOK)))
    assert str(new) in page
    assert "gone" not in page
    assert desk.close_both(versus, pair.user, "enough")
    assert versus.state == State.CLOSED, versus.reason
    assert pair.held("a", versus) == []
    closing = versus.orders.get(step="close-buy")
    assert (closing.position, closing.identity) == (new, versus.orders.get(step="buy").identity)
    assert pair.venue.entries("2", "send")[-1]["request"]["position"] == new


def test_one_whose_re_opening_was_not_read_yet_is_closed_all_the_same(pair: Pair) -> None:
    """The agent finds the position by the identifier that it is sent as a ticket."""
    versus = pair.frozen()
    pair.settled(versus)
    account = pair.venue.member("2").terminal.account
    for position in list(account.positions.values()):
        account.reopen(position, int(time.time()))
    assert desk.close_both(versus, pair.user, "enough")
    assert versus.state == State.CLOSED, versus.reason
    assert pair.held("a", versus) == []


def test_it_is_transferred_and_the_leg_that_a_keeps_gets_its_stops(pair: Pair) -> None:
    versus = pair.frozen()
    kept, released = reopened(pair, versus, "buy", "sell")
    versus = desk.transfer(versus, pair.user)
    assert versus.state == State.TRANSFERRED, versus.reason
    assert pair.held("a", versus) == [("BUY", Decimal("0.1"))]
    assert len(pair.held("b", versus)) == 2
    sent = [one["request"]["position"] for one in pair.venue.entries("2", "send")]
    assert sent[-2:] == [released, kept]
    half = versus.orders.get(step="half-1")
    pair.read()
    held = Position.objects.get(account=versus.account_a, ticket=kept)
    assert held.sl is not None
    assert abs(held.sl - half.tp) < Decimal("0.0010")


def test_halves_that_are_re_opened_after_the_transfer_are_no_alarm(pair: Pair) -> None:
    versus = desk.transfer(pair.frozen(), pair.user)
    reopened(pair, versus, "half-1", "half-2")
    versus = pair.much_later(versus)
    assert versus.state == State.TRANSFERRED, versus.reason
    assert desk.close_both(versus, pair.user, "enough")
    assert versus.state == State.CLOSED, versus.reason
    assert (pair.held("a", versus), pair.held("b", versus)) == ([], [])


def test_one_that_is_closed_at_the_broker_under_its_new_ticket_is_gone(pair: Pair) -> None:
    versus = pair.frozen()
    (new,) = reopened(pair, versus, "buy")
    account = pair.venue.member("2").terminal.account
    account.close(account.positions[new], int(time.time()))
    pair.settled(versus)
    versus = pair.later(versus)
    versus = pair.much_later(versus)
    assert versus.state == State.DIVERGED


def test_an_ended_one_whose_leg_is_there_again_is_seen_by_the_identifier(pair: Pair) -> None:
    versus = pair.frozen()
    (new,) = reopened(pair, versus, "buy")
    Versus.objects.filter(pk=versus.pk).update(state=State.CLOSED, ended_at="2020-01-01T00:00Z")
    assert list(Versus.objects.held_since("2019-01-01T00:00Z")) == [versus]
    Position.objects.filter(ticket=new).update(identifier=None)
    Position.objects.filter(account=versus.account_a).exclude(ticket=new).delete()
    assert list(Versus.objects.held_since("2019-01-01T00:00Z")) == []


def test_a_stop_that_is_hit_while_both_are_closed_needs_nobody(pair: Pair) -> None:
    versus = pair.frozen()
    reopened(pair, versus, "buy", "sell")
    pair.venue.steer("2", next_order="stopped")
    assert desk.close_both(versus, pair.user, "enough")
    assert versus.state == State.CLOSED, versus.reason
    states = set(Order.objects.filter(kind="close").values_list("state", flat=True))
    assert states == {"closed-externally", "filled"}
    assert pair.held("a", versus) == []
