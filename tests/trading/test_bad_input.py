"""What a form cannot know: the account has changed since it was read. Each is refused by whoever
finds out, in plain words, and nothing is sent. What a form can know is in test_pages_tickets.py and
test_pages_positions.py."""

import re
from decimal import Decimal

import pytest
from django.http import HttpResponse

from accounts.models import Account
from tests.factories import make_user
from tests.pages.reading import text, words
from tests.trading.browser import Browser
from tests.trading.desk import Desk
from trading.models import Order
from trading.states import State

pytestmark = pytest.mark.django_db


def told(answer: HttpResponse, state: State) -> str:
    """The reason of the only order that did not execute, as the page of its outcome shows it."""
    order = Order.objects.exclude(state=State.FILLED).get()
    assert order.state == state, order.reason
    assert order.reason in words(text(answer))
    return order.reason


@pytest.mark.both_databases
def test_a_stop_that_is_closer_than_the_broker_lets(browser: Browser) -> None:
    quote = text(browser.client.get(f"{browser.own}open/quote/?symbol=XAUUSD"))
    (bid,) = re.findall(r"bid <b>([\d.,]+)</b>", quote)
    near = Decimal(bid.replace(",", "")) - Decimal("0.03")
    answer = browser.open(symbol="XAUUSD", sl=str(near))
    assert answer.status_code == 422
    assert "The stop-loss must be 0.1 away from" in words(text(answer))
    assert not Order.objects.exists()
    assert browser.desk.sent() == []


@pytest.mark.parametrize("contract", ["1", "2"])
@pytest.mark.parametrize("path", ["close/", "modify/"])
def test_a_position_that_is_gone_since_it_was_read(desk: Desk, contract: str, path: str) -> None:
    browser = Browser(desk, contract)
    browser.read()
    ticket = browser.position()
    desk.send(contract, kind="close", position=ticket)
    sent, held = len(desk.sent(contract)), browser.held(ticket)
    assert held is not None
    level = held.open_price - Decimal("0.02")
    answer = browser.ask(f"positions/{ticket}/{path}", client_key="late", sl=f"{level:f}")
    reason = told(answer, State.CLOSED_EXTERNALLY)
    assert str(ticket) in reason
    assert len(desk.sent(contract)) == sent


def test_a_margin_that_is_not_there(browser: Browser) -> None:
    for number in range(2):
        answer = browser.open(client_key=f"form {number}", volume="100")
    assert "margin" in told(answer, State.NOT_SENT)
    assert len(browser.desk.sent()) == 1


def test_a_market_that_is_closed(browser: Browser) -> None:
    browser.desk.venue.steer("2", next_order="closed")
    assert told(browser.open(), State.REJECTED).startswith("The market is closed.")
    assert browser.desk.venue.entries("2", "execution") == []


def test_a_login_that_became_read_only_since_it_was_read(browser: Browser) -> None:
    browser.desk.venue.steer("2", read_only=True)
    assert "read-only" in told(browser.open(), State.NOT_SENT)
    assert browser.desk.sent() == []


def test_an_account_of_which_nobody_knew_that_it_nets(browser: Browser) -> None:
    ticket = browser.position()
    browser.desk.venue.member("2").terminal.account.hedging = False
    Account.objects.update(margin_mode="")
    answer = browser.open(client_key="against", side="SELL")
    assert "would be reduced or turned; close it instead" in told(answer, State.NOT_SENT)
    assert len(browser.desk.sent()) == 1
    assert browser.held(ticket) is not None


def test_another_login_at_the_terminal(browser: Browser) -> None:
    browser.desk.venue.steer("2", login=4242)
    assert "it is on login 4242" in told(browser.open(), State.NOT_SENT)
    assert browser.desk.sent() == []


@pytest.mark.parametrize("contract", ["1", "2"])
def test_an_agent_that_went_away_after_the_confirmation(desk: Desk, contract: str) -> None:
    browser = Browser(desk, contract)
    browser.read()
    ticket = browser.position()
    desk.move(contract, "http://127.0.0.1:9/agents/1")
    answer = browser.ask(f"positions/{ticket}/close/", client_key="shut", volume="")
    assert told(answer, State.NOT_SENT).endswith("Nothing was sent.")
    assert len(desk.sent(contract)) == 1


def test_a_form_whose_level_the_market_has_passed_since(browser: Browser) -> None:
    confirmed = browser.open("review", sl="5", sl_unit="pips")
    (level,) = re.findall(r'name="sl" value="([\d.]+)"', text(confirmed))
    passed = Decimal(level) + 1
    answer = browser.open(sl=f"{passed}")
    assert answer.status_code == 422
    assert "must be below" in text(answer)
    assert browser.desk.sent() == []


def test_a_permission_that_is_missing_is_said_on_a_page(browser: Browser) -> None:
    browser.client.force_login(make_user("accounts.view_account"))
    answer = browser.open()
    assert answer.status_code == 403
    assert re.search(r"<h1>[^<]+</h1>", text(answer))
    assert not Order.objects.exists()
