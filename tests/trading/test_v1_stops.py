"""Orders with stops over contract 1, from the form to the venue's ledger: the level that was typed
is the level that the position has, whatever the digits of the symbol."""

from decimal import Decimal
from typing import Any

import pytest

from tests.pages.reading import text, words
from tests.trading.browser import Browser, hidden
from tests.trading.desk import Desk
from trading.models import Order
from trading.states import State

pytestmark = pytest.mark.django_db

# By symbol: the size of a pip, and a distance that its stops level allows.
PIPS = {
    "EURUSD": ("0.0001", 20),
    "USDJPY": ("0.01", 20),
    "XAUUSD": ("0.01", 250),
    "US30": ("0.1", 400),
    "GER40": ("0.1", 455),
    "US500": ("0.01", 1025),
}


@pytest.fixture
def still(desk: Desk) -> Browser:
    """On the account behind the agent of contract 1, in a market that stands still."""
    world = desk.venue.member("1").terminal.world
    now = world.clock()
    world.clock = lambda: now
    browser = Browser(desk, "1")
    browser.read()
    return browser


def quote(still: Browser, symbol: str) -> tuple[Decimal, Decimal]:
    found = still.desk.venue.member("1").terminal.account.market.quotes[symbol]
    return Decimal(str(found.bid)), Decimal(str(found.ask))


def opened(still: Browser, symbol: str, side: str, **stops: str) -> dict[str, Any]:
    """What the venue's ledger has of the position, having seen the confirmation."""
    still.open("review", symbol=symbol, side=side, volume="0.1", **stops)
    answer = still.open(symbol=symbol, side=side, volume="0.1", **stops)
    assert "Done at" in text(answer), words(text(answer))
    order = Order.objects.get()
    assert order.state == State.FILLED
    (execution,) = still.desk.venue.entries("1", "execution")
    position: dict[str, Any] = execution["position"]
    assert position["symbol"] == symbol
    assert ("BUY", "SELL")[position["side"]] == side
    assert position["volume"] == 0.1
    assert Decimal(str(position["sl"])) == order.sl
    assert Decimal(str(position["tp"])) == order.tp
    return position


@pytest.mark.parametrize("side", ["BUY", "SELL"])
@pytest.mark.parametrize("symbol", PIPS)
def test_stops_in_pips_are_set_that_far_from_the_price(
    still: Browser, symbol: str, side: str
) -> None:
    pip, count = Decimal(PIPS[symbol][0]), PIPS[symbol][1]
    bid, ask = quote(still, symbol)
    how = {"sl": str(count), "sl_unit": "pips", "tp": str(2 * count), "tp_unit": "pips"}
    position = opened(still, symbol, side, **how)
    sign, price = (1, ask) if side == "BUY" else (-1, bid)
    assert Decimal(str(position["price"])) == price
    assert Decimal(str(position["sl"])) == price - sign * count * pip
    assert Decimal(str(position["tp"])) == price + 2 * sign * count * pip


@pytest.mark.parametrize("symbol", PIPS)
def test_a_stop_that_is_typed_as_a_price_is_set_at_it(still: Browser, symbol: str) -> None:
    pip, count = Decimal(PIPS[symbol][0]), PIPS[symbol][1]
    _, ask = quote(still, symbol)
    sl, tp = ask - count * pip, ask + 2 * count * pip
    position = opened(still, symbol, "BUY", sl=f"{sl:f}", tp=f"{tp:f}")
    assert (Decimal(str(position["sl"])), Decimal(str(position["tp"]))) == (sl, tp)


def test_the_confirmation_says_what_will_be_sent(still: Browser) -> None:
    confirm = still.open("review", sl="20", sl_unit="pips")
    assert "is -20.0 pips" in words(text(confirm))
    still.ask(**hidden(confirm))
    assert Order.objects.get().sl == Decimal(hidden(confirm)["sl"])
