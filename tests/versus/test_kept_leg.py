"""The leg that A keeps after a transfer: its stops, and who may touch them."""

from decimal import Decimal

import pytest

from accounts.models import Position
from tests.versus.pair import Pair
from trading.models import Versus
from trading.versus import desk
from trading.versus.diagram import State
from trading.versus.legs import ticket_of

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
