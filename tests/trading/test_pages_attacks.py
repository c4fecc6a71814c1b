"""What a tampered, oversized or stolen form gets: a sentence, and nothing is sent."""

from decimal import Decimal

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission
from django.template.loader import render_to_string
from django.test import Client
from django.utils.html import escape

from accounts.models import Account
from mt5monitor.text import clean
from tests.factories import make_account, make_order, make_user
from tests.pages.reading import text, words
from tests.trading.browser import Browser
from tests.trading.desk import Desk
from trading import closing, orders
from trading.models import Order, TradingSwitch

pytestmark = pytest.mark.django_db
ENDLESS = "9" * 5000
OTHERS_KEY = "of-somebody-else"


@pytest.mark.both_databases
@pytest.mark.parametrize("contract", ["1", "2"])
@pytest.mark.parametrize("volume", ["999999999999", "0.1234567891", "0.0000000001"])
def test_a_volume_that_no_row_can_hold_is_refused(desk: Desk, contract: str, volume: str) -> None:
    for step in ("review", "send"):
        assert Browser(desk, contract).open(step, volume=volume).status_code == 422
    assert not Order.objects.exists()
    assert desk.sent(contract) == []


@pytest.mark.parametrize("contract", ["1", "2"])
@pytest.mark.parametrize(
    "typed",
    [
        {"side": "SELL", "sl": "999999999999"},
        {"tp": "999999999999"},
        {"tp": "999999999999", "tp_unit": "pips"},
    ],
)
def test_a_level_far_from_every_price_is_refused(
    desk: Desk, contract: str, typed: dict[str, str]
) -> None:
    answer = Browser(desk, contract).open(**typed)
    assert answer.status_code == 422
    assert "more than 1000 times the price" in text(answer)
    assert not Order.objects.exists()


def test_a_form_sent_again_with_a_figure_that_no_row_can_hold_sends_nothing(
    browser: Browser,
) -> None:
    assert browser.open().status_code == 200
    for other in ({"volume": "0.1000000001"}, {"sl": "0.0000000000001"}):
        assert browser.open(**other).status_code == 409
    assert len(browser.desk.sent()) == 1


@pytest.mark.both_databases
@pytest.mark.parametrize("ticket", [ENDLESS, "9" * 25, "1-1", "²", "١", "<b>", "\0"])
def test_tickets_that_are_none_close_nothing_and_are_named(browser: Browser, ticket: str) -> None:
    shown = escape(clean(ticket[:20], 30))
    answer = text(browser.ask("close/", ticket=ticket))
    assert "1 not closed" in answer
    assert f"“{shown}" in answer
    number = browser.desk.accounts["2"].number
    for position in (f"{number}-{ticket}", f"{ticket}-1"):
        form = {"accounts": number, "position": position, "step": "send"}
        answer = text(browser.client.post("/close/", form))
        assert shown in answer
        assert "so nothing was closed" in answer
    assert not Order.objects.exists()


def test_a_fleet_with_thousands_of_positions_is_closed_by_one_form(browser: Browser) -> None:
    number = browser.desk.accounts["2"].number
    form = {"accounts": number, "position": [f"{number}-{ticket}" for ticket in range(5000)]}
    answer = browser.client.post("/close/", form | {"step": "send"})
    assert "5000 not open any more" in words(text(answer))


def test_too_much_at_once_is_said_on_a_page(browser: Browser) -> None:
    form = {"accounts": ["1"] * (settings.DATA_UPLOAD_MAX_NUMBER_FIELDS + 1)}
    answer = browser.client.post("/close/", form)
    assert answer.status_code == 400
    assert "too much at once" in text(answer)
    assert "data-say" in text(answer)


def test_a_key_of_somebody_elses_form_closes_nothing_and_tells_nothing(browser: Browser) -> None:
    ticket = browser.position()
    other, account = make_user("trading.trade"), browser.desk.accounts["2"]
    asked = browser.desk.asked("close", position=ticket)
    mine = orders.place(account, other, asked, closing._key(OTHERS_KEY, account, ticket))
    said = words(text(browser.ask("close/", client_key=OTHERS_KEY, ticket=str(ticket))))
    assert "was sent before with other values" in said
    assert "1 not closed" in said
    mine.refresh_from_db()
    assert mine.state == "queued"
    assert browser.held(ticket) is not None
    assert len(browser.desk.sent()) == 1


def test_a_ticket_of_another_account_is_not_there(desk: Desk) -> None:
    browser, other = Browser(desk, "2"), Browser(desk, "1")
    browser.read()
    ticket = browser.position()
    for path in (f"positions/{ticket}/close/", f"positions/{ticket}/modify/"):
        assert other.ask(path, volume="", sl="1").status_code == 404
    assert "not open any more" in words(text(other.ask("close/", ticket=str(ticket))))
    assert desk.sent("1") == []


def test_a_failure_of_the_monitor_is_not_counted_as_done() -> None:
    failed = closing.Closing("all positions", "The monitor failed here.", failed=True)
    assert closing.Closed(Account(number=1), [failed]).summary == "1 not closed"


def test_closing_tells_what_is_not_known_from_what_is_not_closed(browser: Browser) -> None:
    ticket = browser.position()
    browser.desk.venue.steer("2", next_answer="cut")
    told = words(text(browser.ask("close/", client_key="all", ticket=[str(ticket), "7"])))
    assert "1 not known yet, 1 not open any more" in told


def test_positions_that_could_not_be_read_are_not_told_as_none(desk: Desk) -> None:
    Account.objects.update(open_positions=None)
    said = words(text(Browser(desk).ask("close/")))
    assert "its positions could not be read" in said


@pytest.mark.both_databases
@pytest.mark.parametrize("symbol", ["EUR\r\nX-A: 1", "EUR\0USD", "\u202eDSURUE", "a" * 33])
def test_an_impossible_symbol_is_refused_before_an_agent_is_asked(
    browser: Browser, symbol: str
) -> None:
    answer = browser.open(symbol=symbol)
    assert answer.status_code == 422
    assert "Name a symbol" in words(text(answer))


@pytest.mark.both_databases
def test_characters_that_a_database_refuses_are_left_out_of_reasons(browser: Browser) -> None:
    ticket = browser.position()
    codes = ["override_lock", "stop_trading", "settle_order"]
    browser.desk.trader.user_permissions.add(*Permission.objects.filter(codename__in=codes))
    path = f"positions/{ticket}/close/"
    browser.ask(path, client_key="\0", volume="", override_reason="I\0 looked")
    assert Order.objects.filter(override_reason="I looked").exists()
    browser.client.post("/trading/switch/", {"turn": "off", "reason": "ne\0ws"})
    assert TradingSwitch.objects.get().reason == "news"
    lost = make_order(make_account(), state="needs-attention")
    form = {"outcome": "not-executed", "reason": "I\0 saw"}
    browser.client.post(f"/orders/{lost.pk}/settle/", form)
    lost.refresh_from_db()
    assert lost.reason == "I saw"


@pytest.mark.parametrize("path", ["", "outcome/"])
def test_an_order_that_is_not_there_is_said_in_words(path: str) -> None:
    client = Client()
    client.force_login(make_user("accounts.view_account"))
    answer = client.get(f"/orders/{'9' * 30}/{path}")
    assert answer.status_code == 404
    assert "There is no order 999" in text(answer)


def test_a_position_that_is_gone_is_not_told_as_an_unknown_account(browser: Browser) -> None:
    answer = browser.client.get(f"{browser.own}positions/12345/close/")
    assert "not open any more" in text(answer)
    assert "An account is shown once" not in text(answer)
    assert "An account is shown once" in text(browser.client.get("/accounts/12345/"))


def test_a_part_has_no_more_decimals_than_the_journal(browser: Browser) -> None:
    ticket = browser.position()
    answer = browser.ask(f"positions/{ticket}/close/", "review", volume="0.00001")
    assert answer.status_code == 422
    assert browser.held(ticket) is not None
    assert Decimal("0.1") == Order.objects.get().volume


def test_a_step_is_told_in_the_words_of_the_state(browser: Browser) -> None:
    browser.open()
    page = words(text(browser.client.get(f"/orders/{Order.objects.get().pk}/")))
    assert "done Done at" in page
    assert "filled" not in page


def test_a_symbol_that_nobody_holds_leads_back_to_all(browser: Browser) -> None:
    page = text(browser.client.get("/positions/?symbol=NOPE"))
    assert 'href="/positions/">Show all symbols' in page


def test_the_page_of_a_failure_does_not_claim_that_no_order_left() -> None:
    assert "look at Orders for what became of it" in render_to_string("500.html")


def test_an_order_that_a_person_has_to_look_at_is_not_said_to_be_looked_for(
    browser: Browser,
) -> None:
    order = make_order(browser.desk.accounts["2"], state="needs-attention")
    page = words(text(browser.client.get(f"/orders/{order.pk}/outcome/")))
    assert "somebody who may settle orders has to look" in page
    assert "The monitor looks for" not in page
