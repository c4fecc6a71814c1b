"""What the next request after a versus was run is answered: its legs are there."""

from accounts.models import Position
from tests.versus.pair import Pair
from trading.versus import desk
from trading.versus.legs import ticket_of


def rows(pair: Pair) -> set[int]:
    return {*Position.objects.values_list("ticket", flat=True)}


def test_the_legs_are_shown_as_soon_as_whoever_ran_it_is_answered(pair: Pair) -> None:
    versus, before = pair.created(), rows(pair)
    versus = desk.freeze(versus, pair.user)
    legs = {ticket_of(order) for order in versus.orders.all()}
    assert len(legs) == 2
    assert rows(pair) - before == legs
    assert desk.close_both(versus, pair.user, "")
    assert rows(pair) == before
