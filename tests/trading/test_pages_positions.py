"""Closing and modifying on the pages: all, a part, breakeven, everything, past the lock."""

import time
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.http import HttpResponse

from accounts.models import Account
from tests.pages.reading import text, words
from tests.trading.browser import HTMX, Browser, hidden
from tests.trading.desk import Desk
from trading.models import Order
from trading.states import State

pytestmark = pytest.mark.django_db


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


def test_a_form_of_one_position_tells_nothing_of_another(browser: Browser) -> None:
    """A browser that fills in again what its page held before it was loaded anew."""
    ticket, account = browser.position(), browser.desk.accounts["2"]
    other = account.positions.exclude(ticket=ticket).first()
    assert other is not None
    assert "Done at" in text(browser.ask(f"positions/{ticket}/close/", client_key="one"))
    for path in (f"positions/{other.ticket}/close/", f"positions/{other.ticket}/modify/", "open/"):
        answer = browser.ask(path, client_key="one")
        assert answer.status_code == 409, path
    assert len(browser.desk.sent()) == 2


def test_a_position_that_is_gone_is_not_found(browser: Browser) -> None:
    for path in ("close/", "modify/", "levels/"):
        answer = browser.client.get(f"{browser.own}positions/12345/{path}")
        assert answer.status_code == 404
        if path == "close/":
            assert "Position #12345 is not open any more" in text(answer)


def test_a_position_that_cannot_be_read_is_not_said_to_be_closed(browser: Browser) -> None:
    odd = [{"ticket": 12345, "symbol": "EURUSD", "problem": "volume: missing"}]
    Account.objects.update(unreadable_positions=odd, open_positions=1)
    for path in ("close/", "modify/", "levels/"):
        answer = browser.client.get(f"{browser.own}positions/12345/{path}")
        assert answer.status_code == 404
        if path == "close/":
            assert "Position #12345 could not be read" in text(answer)
            assert "not open any more" not in text(answer)


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


def test_a_level_that_stays_does_not_keep_the_other_from_being_moved(browser: Browser) -> None:
    """The market came close to the take-profit: the stop-loss follows all the same."""
    ticket = browser.position()
    position = browser.held(ticket)
    assert position is not None
    near = position.open_price - Decimal("0.001")  # passed meanwhile, at the wrong side
    browser.desk.accounts["2"].positions.filter(ticket=ticket).update(tp=near)
    typed = {"sl": f"{position.open_price - Decimal('0.02')}", "tp": f"{near.normalize():f}"}
    path = f"positions/{ticket}/modify/"
    assert browser.ask(path, "review", client_key="moves", **typed).status_code == 200
    typed["tp"] = f"{(near - Decimal('0.001')).normalize():f}"
    answer = browser.ask(path, "review", client_key="moves", **typed)
    assert "The take-profit of a buy must be above" in text(answer)


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


@pytest.mark.parametrize("contract", ["1", "2"])
def test_closing_all_of_an_account_that_is_flat_by_now_says_so(desk: Desk, contract: str) -> None:
    browser = Browser(desk, contract)
    browser.read()
    tickets = [position.ticket for position in desk.accounts[contract].positions.all()]
    account = desk.venue.member(contract).terminal.account
    for position in list(account.positions.values()):
        account.close(position, int(time.time()))
    count = len(tickets)
    said = words(text(browser.ask("close/", client_key="all", ticket=tickets)))
    assert f"nothing to close: {count} not open any more" in said
    assert set(Order.objects.values_list("state", flat=True)) == {State.CLOSED_EXTERNALLY}
    browser.read()
    said = words(text(browser.ask("close/", client_key="again", ticket=tickets)))
    assert f"nothing to close: {count} not open any more" in said
    assert Order.objects.count() == count
    said = words(text(browser.client.get(f"{browser.own}close/")))
    assert "has no open positions. There is nothing to close." in said


@pytest.mark.parametrize(("kind", "tone"), [("close", "warn"), ("modify", "bad")])
def test_the_outcome_of_a_close_that_came_late_is_no_alarm(
    browser: Browser, kind: str, tone: str
) -> None:
    order = browser.desk.place(kind=kind, position=4711)
    Order.objects.filter(pk=order.pk).update(state="closed-externally", reason="It is closed.")
    assert f'class="notice {tone}"' in text(browser.client.get(f"/orders/{order.pk}/"))


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
