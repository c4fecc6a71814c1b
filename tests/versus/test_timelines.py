"""The timeline of a versus: each step once, and nothing again and again."""

import pytest

from tests.versus.pair import Pair
from trading import orders
from trading.models import Order, TradingSwitch, Versus
from trading.versus import desk
from trading.versus.changes import change
from trading.versus.driver import Quotes, act, facts
from trading.versus.plan import next_action
from trading.versus.states import State

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def test_a_step_that_two_drivers_take_at_once_is_told_once(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    versus = pair.created()
    change(versus, State.FREEZING, "by hand", run=1)
    action, place = next_action(facts(versus)), orders.place

    def forestalled(*asked: object, **how: object) -> Order:
        monkeypatch.setattr(orders, "place", place)
        act(Versus.objects.get(), action, Quotes())
        return place(*asked, **how)

    monkeypatch.setattr(orders, "place", forestalled)
    act(versus, action, Quotes())
    assert versus.events.filter(step="buy").count() == 1


def test_what_is_tried_again_and_again_is_told_ever_more_rarely(pair: Pair) -> None:
    versus = pair.frozen()
    TradingSwitch.objects.update(is_on=False)
    desk.close_both(versus, pair.user, "before the weekend")
    for _ in range(16):
        versus = pair.much_later(versus)
    assert versus.orders.filter(step="close-sell").count() == 17
    told = [event.text for event in versus.events.filter(step="close-sell")]
    attempts = [text.partition(" Attempt ")[2] for text in told]
    assert attempts == ["", "2.", "4.", "8.", "16."]
