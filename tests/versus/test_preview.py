"""What is said beforehand is what happens."""

from decimal import Decimal

import pytest

from tests.versus.pair import Pair
from trading import quotes
from trading.models import Order
from trading.versus import desk, preview

pytestmark = pytest.mark.django_db
NEAR = Decimal("0.0005")


def test_a_freeze_does_what_its_preview_says(pair: Pair) -> None:
    versus = pair.created()
    said = preview.freeze(versus)
    assert said.problem == ""
    assert [leg.words for leg in said.legs] == ["buy 0.1 EURUSD", "sell 0.1 EURUSD"]
    assert [leg.exposure for leg in said.legs] == [
        "A long 0.1; together long 0.1",
        "A flat; together flat",
    ]
    assert [(leg.sl_money, leg.tp_money) for leg in said.legs] == [(-100, 150), (-100, 150)]
    desk.freeze(versus, pair.user)
    for leg, order in zip(said.legs, Order.objects.order_by("pk"), strict=True):
        assert abs((leg.sl or 0) - order.sl) < NEAR
        assert abs((leg.price or 0) - order.price) < NEAR


@pytest.mark.both_databases
def test_a_transfer_does_what_its_preview_says(pair: Pair) -> None:
    versus = pair.frozen()
    said = preview.transfer(versus)
    assert said.problem == ""
    assert [leg.words for leg in said.legs] == [
        "sell 0.05 EURUSD",
        "sell 0.05 EURUSD",
        "close the sell 0.1 EURUSD",
        "set SL and TP of the buy 0.1 EURUSD",
    ]
    assert [leg.exposure for leg in said.legs][1:] == [
        "A flat, B short 0.1; together short 0.1",
        "A long 0.1, B short 0.1; together flat",
        "A long 0.1, B short 0.1; together flat",
    ]
    before = Order.objects.count()
    assert said.legs[0].spread_money is not None
    assert said.legs[0].spread_money < 0
    desk.transfer(versus, pair.user)
    sent = Order.objects.order_by("pk")[before:]
    assert abs((said.legs[3].tp or 0) - sent[3].tp) < NEAR


def test_without_a_quote_the_preview_says_why_and_nothing_is_sent(pair: Pair) -> None:
    versus = pair.created()
    pair.venue.steer("2", state="down")
    said = preview.freeze(versus)
    assert said.legs == []
    assert said.problem
    assert pair.venue.entries("2", "send") == []


def test_the_commission_is_that_of_the_last_deals_and_part_of_the_stops(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = pair.frozen()
    desk.close_both(first, pair.user, "to have deals")
    pair.read()
    versus = pair.created()
    still = quotes.fresh(versus.account_a, "EURUSD")
    monkeypatch.setattr(quotes, "fresh", lambda *_: still)
    said = preview.freeze(versus)
    assert [leg.commission for leg in said.legs] == [Decimal("-0.70")] * 2
    assert [(leg.sl_money, leg.tp_money) for leg in said.legs] == [(-100, 150), (-100, 150)]
    versus = desk.freeze(versus, pair.user)
    assert versus.commission_a == Decimal(-7)
    buy = versus.orders.get(step="buy")
    # A pip of 0.1 lots is a dollar: 99.30 to lose, or 150.70 to win, beside the 0.70.
    assert (buy.sl, buy.tp) == (still.ask - Decimal("0.00993"), still.ask + Decimal("0.01507"))
