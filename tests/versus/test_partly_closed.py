"""A leg that somebody closes in part at the terminal: the two sides balance no more."""

from decimal import Decimal

import pytest

from accounts.models import Position
from tests.factories import make_user
from tests.pages.reading import words
from tests.versus.pair import Pair
from tests.versus.visitor import LOOK, page_of
from trading.models import Versus
from trading.versus import desk
from trading.versus.legs import ticket_of
from trading.versus.states import State

pytestmark = pytest.mark.django_db


def left(pair: Pair, versus: Versus, lots: str) -> Versus:
    """Of the buy, as the account was read last; after a beat."""
    pair.settled(versus)
    ticket = ticket_of(versus.orders.get(step="buy"))
    buy = Position.objects.filter(account=versus.account_a, ticket=ticket)
    assert buy.update(volume=Decimal(lots)) == 1
    return pair.later(versus)


@pytest.mark.parametrize("transferred", [False, True])
def test_one_that_is_closed_in_part_halts_it_and_what_is_left_is_shown(
    pair: Pair, transferred: bool
) -> None:
    versus = pair.frozen()
    if transferred:
        desk.transfer(versus, pair.user)
    versus = left(pair, versus, "0.04")
    assert versus.state == State.DIVERGED
    assert "Closed in part: of buy 0.1 EURUSD" in versus.reason
    page = words(page_of(make_user(*LOOK)))
    assert ("A long 0.04, B short 0.1" if transferred else "A short 0.06, B flat") in page
    assert "buy 0.04 EURUSD" in page
    assert desk.close_both(versus, pair.user, "enough")
    assert versus.state == State.CLOSED
    assert (pair.held("a", versus), pair.held("b", versus)) == ([], [])


def test_one_that_is_whole_is_no_alarm(pair: Pair) -> None:
    assert left(pair, pair.frozen(), "0.10").state == State.FROZEN
