"""Tickets as a browser sends them: checked, confirmed in words, placed once, told truthfully."""

import re
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from accounts.models import Account, Agent
from tests.factories import make_order, make_position, make_trade
from tests.pages.reading import text, words
from tests.trading.browser import Browser, hidden
from tests.trading.desk import Desk
from trading.models import Order, TradeLimit, TradingSwitch
from trading.states import State

pytestmark = pytest.mark.django_db


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


TONES = {
    "filled": "good",
    "partial": "warn",
    "late-fill": "bad",
    "rejected": "bad",
    "sending": "warn",
}


@pytest.mark.parametrize("state", TONES)
def test_only_what_was_done_as_asked_looks_like_it(browser: Browser, state: str) -> None:
    order = make_order(browser.desk.accounts["2"], state=state)
    for page in ("", "outcome/"):
        shown = text(browser.client.get(f"/orders/{order.pk}/{page}"))
        assert f'<div class="notice {TONES[state]}"' in shown


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
        Agent.objects.update(trading_enabled=False)
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
    desk.venue.member("1").terminal.overrides["EURUSD"] = {"point": 0.0}
    answer = browser.open("review", client_key="more", sl="50", sl_unit="money")
    assert "does not say what a tick of EURUSD is worth. Set it in pips or as" in text(answer)


def test_money_that_rests_on_an_assumption_says_so_before_it_is_confirmed(desk: Desk) -> None:
    browser = Browser(desk, "1")
    said = words(text(browser.open("review", sl="50", sl_unit="money")))
    assert "Stop-loss at" in said
    assert "-50.00" in said
    assert "the agent reports a tick value of exactly 1" in said
    without = words(text(browser.open("review")))
    assert "tick value" not in without


def test_a_tick_value_that_closed_trades_contradict_is_said_and_not_used(desk: Desk) -> None:
    """USDJPY told as 100: its money would be 150 times too much."""
    browser = Browser(desk, "1")
    desk.venue.member("1").terminal.overrides["USDJPY"] = {"trade_tick_value": 100.0}
    for entry, out in (("151.000", "151.500"), ("150.200", "150.700")):
        profit = (Decimal("0.1") * 50_000 / Decimal(out)).quantize(Decimal("0.01"))
        make_trade(
            desk.accounts["1"], contract="1", symbol="USDJPY", side="BUY", profit=profit,
            volume_closed=Decimal("0.1"), entry_price=Decimal(entry), exit_price=Decimal(out),
        )  # fmt: skip
    refused = words(text(browser.open("review", symbol="USDJPY", sl="50", sl_unit="money")))
    assert "reports 100 for a tick of USDJPY, but by 2 closed trades" in refused
    said = words(text(browser.open("review", symbol="USDJPY", sl="20", sl_unit="pips")))
    assert "is -20.0 pips, –" in said
    assert "so it is not used" in said


def test_a_session_that_ended_places_nothing(browser: Browser) -> None:
    browser.client.logout()
    answer = browser.open()
    assert answer.headers["Location"].startswith("/login/?next=")
    assert not Order.objects.exists()


def test_a_read_only_login_is_told_and_sends_nothing(browser: Browser) -> None:
    Account.objects.update(trade_allowed=False)
    assert "read-only password" in text(browser.open())
    assert browser.desk.sent() == []


def test_on_a_netting_account_nothing_is_opened_against_what_is_there(browser: Browser) -> None:
    account = browser.desk.accounts["2"]
    Account.objects.update(margin_mode="netting")
    make_position(account, symbol="USDCAD", side="BUY", volume=Decimal("0.30"))
    against = browser.open("send", symbol="USDCAD", side="SELL")
    assert against.status_code == 422
    assert "one position a symbol: close your BUY 0.3 USDCAD #" in words(text(against))
    assert not Order.objects.exists()
    assert browser.open("review", symbol="USDCAD", side="BUY").status_code == 200


def test_while_trading_is_stopped_the_ticket_says_so_before_it_is_filled_in(
    browser: Browser,
) -> None:
    TradingSwitch.objects.update(is_on=False, changed_by="ana", reason="news")
    page = words(text(browser.client.get(f"{browser.own}open/")))
    assert "All trading is switched off by ana: news" in page
    Agent.objects.update(trading_enabled=False)
    TradingSwitch.objects.update(is_on=True)
    page = words(text(browser.client.get(f"{browser.own}open/")))
    assert "is switched off." in page


def test_a_page_of_another_account_is_not_there(browser: Browser) -> None:
    assert Client().get("/accounts/1/open/").status_code == 302
    assert browser.client.get("/accounts/99999/open/").status_code == 404
