"""The leg that A keeps after a transfer: its stops, and who may touch them."""

from decimal import Decimal

import pytest

from accounts.models import Position
from tests.versus.pair import Pair
from trading.models import Versus
from trading.versus import desk
from trading.versus.actions import Protect
from trading.versus.driver import Quotes, act, facts
from trading.versus.legs import ticket_of
from trading.versus.states import State

pytestmark = pytest.mark.django_db


def kept(pair: Pair, versus: Versus) -> Position:
    """As the broker has it."""
    pair.read()
    ticket = ticket_of(versus.orders.get(step="buy"))
    return Position.objects.get(account=versus.account_a, ticket=ticket)


@pytest.mark.parametrize("without", ["tp_b", "sl_b"])
def test_where_b_has_no_stop_the_leg_that_a_keeps_has_its_own(pair: Pair, without: str) -> None:
    versus = pair.frozen(**{without: None})
    before = kept(pair, versus)
    versus = desk.transfer(versus, pair.user)
    assert versus.state == State.TRANSFERRED, versus.reason
    after, half = kept(pair, versus), versus.orders.get(step="half-1")
    mirrored = {"tp_b": ("tp", half.sl), "sl_b": ("sl", half.tp)}[without]
    own = {"tp_b": "sl", "sl_b": "tp"}[without]
    assert getattr(after, own) == getattr(before, own)
    assert abs(getattr(after, mirrored[0]) - mirrored[1]) < Decimal("0.0010")


@pytest.mark.both_databases
def test_stops_that_cannot_be_set_any_more_hold_up_no_closing(pair: Pair) -> None:
    """A driver that was held up finds no quote, after somebody has pressed “Close both”."""
    desk.transfer(pair.frozen(), pair.user)
    Versus.objects.update(state=State.UNPROTECTED)
    stale = Versus.objects.get()
    leg = next(leg for leg in facts(stale).legs.open if leg.side == "BUY")
    pair.venue.steer("2", next_order="closed")
    assert desk.close_both(Versus.objects.get(), pair.user, "enough")
    before = Versus.objects.get()
    Versus.objects.update(symbol_a="NOSUCH")
    stale.symbol_a = "NOSUCH"
    act(stale, Protect("protect", 9, leg), Quotes())
    after = Versus.objects.get()
    assert (after.state, after.reason) == (before.state, "enough")
    assert after.retry_at is None
