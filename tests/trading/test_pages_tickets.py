"""Tickets as a browser sends them: checked, confirmed in words, placed once, told truthfully."""

import re
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.http import HttpResponse
from django.test import Client

from accounts import polling
from accounts.models import Position
from tests.pages.reading import text, words
from tests.trading.desk import Desk
from trading.diagram import State
from trading.models import Order, TradeLimit, TradingSwitch

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


class Browser:
    """Of the desk's trader, on the page of one account."""

    def __init__(self, desk: Desk, contract: str = "2") -> None:
        self.desk, self.contract = desk, contract
        self.client = Client()
        self.client.force_login(desk.trader)
        self.own = f"/accounts/{desk.accounts[contract].number}/"

    def ask(self, path: str = "open/", step: str = "send", **typed: Any) -> HttpResponse:
        answer = self.client.post(self.own + path, {"step": step, **typed}, headers=HTMX)
        assert isinstance(answer, HttpResponse)
        return answer

    def open(self, step: str = "send", **changes: Any) -> HttpResponse:
        typed = {"client_key": "a-form", "symbol": "EURUSD", "side": "BUY", "volume": "0,10"}
        return self.ask(step=step, **(typed | changes))

    def read(self) -> None:
        assert [one.ok for one in polling.refresh([self.desk.agent(self.contract)])] == [True]

    def position(self) -> int:
        """One that was opened just now: the ticket."""
        self.open(client_key="opens")
        self.read()
        order = Order.objects.get(client_key="opens")
        ticket = order.position_ticket or order.order_ticket
        assert ticket is not None
        return ticket

    def held(self, ticket: int) -> Position | None:
        return self.desk.accounts[self.contract].positions.filter(ticket=ticket).first()


@pytest.fixture
def browser(desk: Desk) -> Browser:
    browser = Browser(desk)
    browser.read()
    return browser


def hidden(answer: HttpResponse) -> dict[str, str]:
    """What the form of a confirmation sends."""
    fields = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', text(answer))
    return {name: value for name, value in fields if name != "csrfmiddlewaretoken"}


def test_what_is_confirmed_in_words_is_what_is_sent(browser: Browser) -> None:
    stops = {"sl": "20", "sl_unit": "pips", "tp": "50", "tp_unit": "money"}
    confirm = browser.open("review", **stops)
    said = words(text(confirm))
    assert "Buy 0.1 lots of EURUSD on account" in said
    assert re.search(r"Stop-loss at [\d.]+ is -20.0 pips, -20.00 USD", said)
    assert re.search(r"Take-profit at [\d.]+ is \+50.0 pips, \+50.00 USD", said)
    assert "Margin needed: about" in said
    assert not Order.objects.exists()
    answer = browser.ask(**hidden(confirm))
    order = Order.objects.get()
    assert order.state == State.FILLED, order.reason
    assert "Done at" in text(answer)
    (sent,) = browser.desk.sent()
    sl, tp = Decimal(hidden(confirm)["sl"]), Decimal(hidden(confirm)["tp"])
    assert (order.volume, order.sl, order.tp) == (Decimal("0.10"), sl, tp)


WRONG = {
    "volume of two readings": ({"volume": "1,234.5"}, "more than one way"),
    "thousands or decimals": ({"volume": "1,234"}, "in two ways. Write 1.234 or 1234"),
    "no number": ({"volume": "much"}, "is not a number"),
    "nothing": ({"volume": ""}, "Say how many lots"),
    "none": ({"volume": "0"}, "must be more than 0"),
    "off the step": ({"volume": "0.105"}, "in steps of 0.01 lots"),
    "too small": ({"volume": "0.001"}, "lots"),
    "too large": ({"volume": "5000"}, "up to 100 lots"),
    "no side": ({"side": ""}, "Choose to buy or to sell"),
    "unknown symbol": ({"symbol": "EURUSD.x"}, "has no symbol EURUSD.x"),
    "no symbol": ({"symbol": ""}, "Name a symbol"),
    "a path for a symbol": ({"symbol": "../orders"}, ""),
    "loss on the wrong side": ({"sl": "2"}, "The stop-loss of a buy must be below"),
    "profit on the wrong side": ({"tp": "1.0"}, "The take-profit of a buy must be above"),
    "a level below zero": ({"sl": "99999999", "sl_unit": "money"}, "below 0"),
    "an unknown unit": ({"sl": "1", "sl_unit": "eggs"}, "choose price, pips or money"),
    "between two ticks": ({"sl": "1.0000001"}, "has no price 1.0000001"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_said_and_nothing_is_placed(browser: Browser, what: str) -> None:
    typed, sentence = WRONG[what]
    for step in ("review", "send"):
        answer = browser.open(step, **typed)
        assert answer.status_code == 422
        assert 'role="alert"' in text(answer)
        assert sentence in words(text(answer))
    assert not Order.objects.exists()
    assert browser.desk.sent() == []


def test_a_form_that_is_sent_again_is_the_same_order(browser: Browser) -> None:
    first, again = browser.open(), browser.open()
    assert "Done at" in text(first)
    assert "Done at" in text(again)
    assert Order.objects.count() == 1
    assert len(browser.desk.sent()) == 1


def test_a_form_that_is_sent_again_with_other_values_is_refused(browser: Browser) -> None:
    browser.open()
    answer = browser.open(volume="0.20")
    assert answer.status_code == 409
    assert "was sent before with other values" in text(answer)
    assert len(browser.desk.sent()) == 1


def test_a_refusal_of_the_broker_is_told_in_plain_words(browser: Browser) -> None:
    browser.desk.venue.steer("2", next_order="no-money")
    answer = browser.open()
    assert "There is not enough free margin." in text(answer)
    assert Order.objects.get().state == State.REJECTED
    panel = words(text(browser.client.get(browser.own)))
    assert "There is not enough free margin." in panel


def test_an_unknown_outcome_is_loud_and_stops_the_next_ticket(browser: Browser) -> None:
    browser.desk.venue.steer("2", next_answer="cut")
    assert "do not place it again" in text(browser.open())
    page = text(browser.client.get(browser.own))
    assert "Outcome unknown: buy 0.1 EURUSD" in words(page)
    ticket = text(browser.client.get(f"{browser.own}open/"))
    assert "The outcome of another order of this account is not known" in words(ticket)
    assert re.search(r'value="review" class="primary" disabled', ticket)
    answer = browser.open(client_key="another")
    assert "is unknown" in text(answer)
    assert len(browser.desk.sent()) == 1


@pytest.mark.parametrize("what", ["switch", "server", "agent", "limit"])
def test_what_holds_an_order_back_is_said(browser: Browser, settings: Any, what: str) -> None:
    if what == "switch":
        TradingSwitch.objects.update(is_on=False, changed_by="the boss", reason="news")
    elif what == "server":
        settings.TRADING_ENABLED = False
    elif what == "agent":
        browser.desk.accounts["2"].agent.__class__.objects.update(trading_enabled=False)
    else:
        TradeLimit.objects.create(max_lots=Decimal("0.05"))
    answer = browser.open()
    reason = Order.objects.get().reason
    assert reason
    assert reason in words(text(answer))
    assert Order.objects.get().state == State.DENIED
    assert browser.desk.sent() == []


def test_an_agent_that_is_away_is_said_at_the_ticket(browser: Browser) -> None:
    browser.desk.venue.member("2").enter("down")
    answer = browser.open("review")
    assert answer.status_code == 422
    assert words(re.findall(r'id="error-symbol">(.*?)</p>', text(answer))[0])
    assert not Order.objects.exists()


def test_a_position_is_closed_in_part_and_then_all_of_it(browser: Browser) -> None:
    ticket = browser.position()
    part = browser.ask(f"positions/{ticket}/close/", "review", client_key="part", volume="0.04")
    assert "Close 0.04 of 0.1 lots of BUY EURUSD" in words(text(part))
    browser.ask(f"positions/{ticket}/close/", **hidden(part))
    browser.read()
    assert (position := browser.held(ticket)) is not None
    assert position.volume == Decimal("0.06")
    confirm = browser.client.get(f"{browser.own}positions/{ticket}/close/", headers=HTMX)
    assert isinstance(confirm, HttpResponse)
    assert "Close all 0.06 lots" in words(text(confirm))
    closing = hidden(confirm)
    assert "Done at" in text(browser.ask(f"positions/{ticket}/close/", **closing))
    browser.read()
    again = browser.ask(f"positions/{ticket}/close/", **closing)
    assert "Done at" in text(again)
    assert browser.held(ticket) is None
    assert len(browser.desk.sent()) == 3


@pytest.mark.parametrize(
    ("volume", "sentence"),
    [("0.2", "The position has 0.1 lots"), ("0.095", "in steps"), ("-0.01", "more than 0")],
)
def test_a_part_that_cannot_be_closed_is_refused(
    browser: Browser, volume: str, sentence: str
) -> None:
    ticket = browser.position()
    path = f"positions/{ticket}/close/"
    answer = browser.ask(path, client_key="part", volume=volume)
    assert answer.status_code == 422
    assert sentence in text(answer)
    assert len(browser.desk.sent()) == 1


def test_a_position_that_is_gone_is_not_found(browser: Browser) -> None:
    for path in ("close/", "modify/", "levels/"):
        answer = browser.client.get(f"{browser.own}positions/12345/{path}")
        assert answer.status_code == 404
        if path == "close/":
            assert "Position #12345 is not open any more" in text(answer)


def test_stops_are_moved_and_taken_away(browser: Browser) -> None:
    ticket = browser.position()
    path = f"positions/{ticket}/modify/"
    confirm = browser.ask(path, "review", client_key="moves", sl="-30", sl_unit="money")
    assert "is -30.0 pips, -30.00 USD" in words(text(confirm))
    browser.ask(path, **hidden(confirm))
    browser.read()
    assert (position := browser.held(ticket)) is not None
    assert position.sl == Decimal(hidden(confirm)["sl"])
    away = browser.ask(path, "review", client_key="away", sl="", tp="")
    assert "is taken away: nothing limits the loss" in words(text(away))
    browser.ask(path, **hidden(away))
    browser.read()
    position.refresh_from_db()
    assert position.sl is None


def test_levels_that_are_there_already_are_not_sent(browser: Browser) -> None:
    ticket = browser.position()
    answer = browser.ask(f"positions/{ticket}/modify/", client_key="same", sl="", tp="")
    assert answer.status_code == 422
    assert "the levels that the position has" in text(answer)


def test_breakeven_is_refused_while_the_position_loses(browser: Browser) -> None:
    ticket = browser.position()
    path = f"{browser.own}positions/{ticket}/modify/?breakeven=1"
    answer = browser.client.get(path)
    assert answer.status_code == 422
    assert "The stop-loss of a buy must be below" in text(answer)


def test_closing_all_tells_of_each_position_and_does_it_once(browser: Browser) -> None:
    tickets = [p.ticket for p in browser.desk.accounts["2"].positions.all()]
    assert len(tickets) > 1
    shown = text(browser.client.get(f"{browser.own}close/"))
    assert f"Close all {len(tickets)} open positions" in words(shown)
    browser.desk.venue.steer("2", next_order="closed")
    sent = {"client_key": "all", "ticket": [*tickets, 99]}
    for _ in range(2):
        said = words(text(browser.ask("close/", **sent)))
        assert "The market is closed." in said
        assert "Done at" in said
        assert "It was not open any more." in said
    assert len(browser.desk.sent()) == len(tickets)


def test_the_lock_is_overridden_with_a_reason_by_those_who_may(browser: Browser) -> None:
    ticket = browser.position()
    browser.desk.venue.steer("2", next_answer="cut")
    browser.open(client_key="lost")
    path = f"positions/{ticket}/close/"
    assert "override_reason" not in text(browser.client.get(browser.own + path))
    denied = browser.ask(path, client_key="shut", volume="", override_reason="I looked")
    assert "You may not close while" in text(denied)
    permission = Permission.objects.get(codename="override_lock")
    browser.desk.trader.user_permissions.add(permission)
    assert 'name="override_reason"' in text(browser.client.get(browser.own + path))
    browser.ask(path, client_key="shut-2", volume="", override_reason="I looked")
    order = Order.objects.get(client_key="shut-2")
    assert (order.state, order.override_reason) == (State.FILLED, "I looked")


def test_the_ticket_shows_each_level_in_the_other_units_while_it_is_typed(
    browser: Browser,
) -> None:
    asked = "symbol=EURUSD&side=SELL&volume=0,20&sl=10&sl_unit=pips&tp=bad"
    shown = words(text(browser.client.get(f"{browser.own}open/quote/?{asked}")))
    assert "0.01 to 100, by 0.01" in shown
    assert "-10.0 pips, -20.00 USD" in shown
    assert "“bad” is not a number" in shown
    empty = words(text(browser.client.get(f"{browser.own}open/quote/?symbol=")))
    assert empty == "Name a symbol to see its quote."


def test_contract_1_is_traded_by_price_without_what_it_does_not_tell(desk: Desk) -> None:
    browser = Browser(desk, "1")
    confirm = browser.open("review", sl="50", sl_unit="pips")
    assert confirm.status_code == 200
    browser.ask(**hidden(confirm))
    assert Order.objects.get().state == State.FILLED
    answer = browser.open("review", client_key="more", sl="50", sl_unit="money")
    assert "does not say what a tick of EURUSD is worth" in text(answer)
