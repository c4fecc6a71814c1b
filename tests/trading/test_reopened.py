"""Positions under a ticket that is not their first, of any size, and stops hit during a close."""

import time
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from django.test import Client

from accounts.agents import AccountReading, PositionReading, TradeAnswer
from accounts.agents.retcodes import POSITION_CLOSED
from accounts.models import Position
from tests.factories import make_account, make_order, make_user
from tests.pages.reading import text, words
from tests.trading.browser import Browser
from tests.trading.desk import Desk
from tests.trading.test_evidence import account as read_as
from tests.trading.test_evidence import deal, held, order
from trading import orders, reconcile, settling, wire
from trading.evidence import weigh
from trading.models import Order
from trading.positions import find
from trading.states import State

pytestmark = pytest.mark.django_db
LARGEST, LONG = 2**63 - 1, 1_234_567_890_123_456_789
FIRST = 77  # what the tests of evidence call their position


def reopened(browser: Browser, ticket: int | None = None) -> tuple[int, int]:
    """A position of the desk's account: its identifier, and its ticket of now."""
    identifier = browser.position()
    venue = browser.desk.venue.member(browser.contract).terminal.account
    venue.reopen(venue.positions[identifier], int(time.time()), ticket)
    browser.read()
    row = Position.objects.get(identifier=identifier)
    return identifier, row.ticket


def account(positions: tuple[PositionReading, ...] | None) -> AccountReading:
    return msgspec.structs.replace(read_as(*(positions or ())), positions=positions)


# --- which position a number names ---------------------------------------------------------------
@pytest.mark.both_databases
def test_a_number_is_a_ticket_first_and_an_identifier_then() -> None:
    first, second = held(ticket=5, identifier=3), held(ticket=6, identifier=5)
    assert find([second, first], 5) is first
    assert find([second, first], 3) is first
    assert find([first], 6, None) is None
    assert find([first], None) is None
    assert find([held(ticket=9)], 9, 3) is not None


# --- pages ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("ticket", [None, LARGEST, LONG])
@pytest.mark.parametrize("first", [False, True])
def test_it_is_closed_at_its_page_by_either_number(
    browser: Browser, ticket: int | None, first: bool
) -> None:
    identifier, now = reopened(browser, ticket)
    number = identifier if first else now
    shown = text(browser.client.get(f"{browser.own}positions/{number}/close/"))
    assert f"#{now}" in shown
    browser.ask(f"positions/{number}/close/", client_key="closes", volume="")
    closing = Order.objects.get(client_key="closes")
    assert closing.state == State.FILLED, closing.reason
    assert (closing.position, closing.position_identifier) == (now, identifier)
    assert browser.desk.sent()[-1]["request"]["position"] == now
    again = browser.ask(f"positions/{number}/close/", client_key="closes", volume="")
    assert again.status_code == 200
    assert len(browser.desk.sent()) == 2


@pytest.mark.parametrize("ticket", [LARGEST, LONG])
def test_close_all_closes_tickets_of_19_digits_and_counts_the_others(
    browser: Browser, ticket: int
) -> None:
    reopened(browser, ticket)
    tickets = [str(ticket), "5", str(2**63)]
    shown = words(text(browser.ask("close/", ticket=tickets, client_key="all")))
    assert "1 of 3 closed, 1 not closed, 1 not open any more" in shown
    assert "#5 : It was not open any more." in shown
    assert f"“{2**63}” : This is not the ticket of a position" in shown
    assert browser.desk.sent()[-1]["request"]["position"] == ticket


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
@pytest.mark.parametrize("ticket", [LARGEST, LONG])
def test_close_selected_takes_tickets_of_19_digits_and_names_those_it_skips(
    browser: Browser, ticket: int
) -> None:
    reopened(browser, ticket)
    number = browser.desk.accounts["2"].number
    form = {"accounts": [number, 7], "position": [f"{number}-{ticket}", f"8-{LONG}", "x"]}
    said = words(text(browser.client.post("/close/", form | {"step": "send"})))
    assert "1 closed" in said
    assert "Account 7 is not here any more." in said
    assert f"“8-{LONG}” is not of these accounts" in said
    assert "“x” is not of these accounts" in said
    assert browser.desk.sent()[-1]["request"]["position"] == ticket


@pytest.mark.both_databases
def test_accounts_that_are_not_there_are_named_before_anything_is_closed(browser: Browser) -> None:
    answer = browser.client.post("/close/", {"accounts": [7]}, follow=True)
    assert "Account 7 is not here any more." in words(text(answer))


@pytest.mark.parametrize("ticket", [LARGEST, LONG])
def test_a_ticket_of_19_digits_is_exact_on_every_page(browser: Browser, ticket: int) -> None:
    reopened(browser, ticket)
    for page in (browser.own, "/positions/", f"{browser.own}close/"):
        assert str(ticket) in text(browser.client.get(page)), page
    sl = browser.desk.venue.member("2").terminal.account.market.quotes["EURUSD"].bid - 0.01
    path = f"positions/{ticket}/modify/"
    browser.ask(path, client_key="moves", sl=f"{sl:.5f}", tp="")
    moved = Order.objects.get(client_key="moves")
    assert (moved.state, moved.position) == (State.FILLED, ticket), moved.reason
    assert f"#{ticket}" in text(browser.client.get(f"/orders/{moved.pk}/"))


# --- sending -------------------------------------------------------------------------------------
def test_what_is_re_opened_while_an_order_waits_is_sent_under_its_new_ticket(desk: Desk) -> None:
    browser = Browser(desk)
    identifier, now = reopened(browser)
    placed = desk.place(kind="close", position=identifier)
    assert (placed.position, placed.identity) == (now, identifier)
    venue = desk.venue.member("2").terminal.account
    venue.reopen(venue.positions[now], int(time.time()), LARGEST)
    browser.read()
    sent = orders.send(placed)
    assert sent.state == State.FILLED, sent.reason
    assert desk.sent()[-1]["request"]["position"] == LARGEST
    assert sent.position_ticket == LARGEST


@pytest.mark.parametrize(
    ("positions", "says"),
    [
        ((held(ticket=9, identifier=FIRST),), "show it as #9"),
        (None, "could not be read"),
        ((), None),
    ],
)
def test_a_position_that_an_agent_does_not_find_is_gone_only_after_a_reading(
    desk: Desk,
    monkeypatch: pytest.MonkeyPatch,
    positions: tuple[PositionReading, ...] | None,
    says: str | None,
) -> None:
    closing = make_order(desk.accounts["2"], kind="close", volume=None, position=FIRST)
    monkeypatch.setattr(wire, "read_account", lambda _: account(positions))
    answered = TradeAnswer(outcome="rejected", external=True, message="Not found")
    monkeypatch.setattr(wire.loop, "run", lambda call, _: (call.close(), answered)[1])
    answer = wire.trade(closing)
    assert (answer.outcome, answer.external) == ("rejected", says is None)
    assert (says or "Not found") in answer.message


# --- stops hit during a close --------------------------------------------------------------------
@pytest.mark.parametrize("is_reopened", [False, True])
def test_a_stop_that_is_hit_during_a_close_needs_nobody(desk: Desk, is_reopened: bool) -> None:
    browser = Browser(desk)
    ticket = reopened(browser)[1] if is_reopened else browser.position()
    desk.venue.steer("2", next_order="stopped")
    closing = desk.send(kind="close", position=ticket)
    assert closing.state == State.CLOSED_EXTERNALLY, closing.reason
    assert (closing.retcode, closing.price is not None) == (POSITION_CLOSED, True)


def closing(**changes: Any) -> Order:
    given = {"position": 99, "position_identifier": FIRST, "retcode": POSITION_CLOSED, "magic": 5}
    return order("close", **(given | changes))


def of_others(**changes: Any) -> Any:
    return deal(closing(), entry="OUT", side="SELL", magic=0, **changes)


def test_an_agent_that_does_not_look_itself_is_no_reason_to_ask_a_person() -> None:
    """10036 means that the position is gone; the deal says by what."""
    found = weigh(closing(), account(()), [of_others(reason="SL", ticket=3)])
    assert found.state == State.CLOSED_EXTERNALLY
    assert "its stop-loss: deal 3" in found.text
    assert found.price == Decimal("1.1")


def test_without_a_return_code_all_that_was_opened_has_to_be_closed() -> None:
    opening = deal(closing(), entry="IN", magic=0)
    lost = closing(retcode=None)
    assert weigh(lost, account(()), [opening, of_others()]).state == State.CLOSED_EXTERNALLY
    part = of_others(volume=Decimal("0.04"))
    assert weigh(lost, account(()), [opening, part]).state is None
    assert weigh(lost, account(()), [of_others()]).state is None


@pytest.mark.parametrize(
    ("positions", "deals"),
    [
        ((), []),
        ((), [of_others(position_id=99)]),
        (None, [of_others()]),
        ((held(ticket=99, identifier=FIRST),), [of_others()]),
        ((held(ticket=100, identifier=FIRST),), [of_others()]),
    ],
)
def test_10036_alone_proves_nothing(positions: Any, deals: list[Any]) -> None:
    """The deal must be there, by the identifier, and the position must not."""
    assert weigh(closing(), account(positions), deals).state is None


@pytest.mark.both_databases
def test_the_order_of_a_person_that_waited_for_the_deal_settles_by_itself(desk: Desk) -> None:
    browser = Browser(desk)
    ticket = browser.position()
    desk.venue.steer("2", next_order="gone")
    lost = desk.send(kind="close", position=ticket)
    assert lost.state == State.UNKNOWN
    venue = desk.venue.member("2").terminal.account
    venue.close(venue.positions[ticket], int(time.time()), reason=4)
    reconcile.look(lost)
    lost.refresh_from_db()
    assert lost.state == State.CLOSED_EXTERNALLY, lost.reason


def test_the_levels_of_a_re_opened_position_are_found_by_its_identifier() -> None:
    moved = order("modify", position=99, position_identifier=FIRST, sl=Decimal("1.05"))
    reading: AccountReading = account((held(ticket=100, identifier=FIRST, sl=Decimal("1.05")),))
    assert weigh(moved, reading, []).state == State.FILLED


def test_an_open_whose_position_was_re_opened_is_known_by_both_numbers() -> None:
    opening = order(magic=5)
    found = weigh(opening, account((held(ticket=99, identifier=FIRST),)), [deal(opening)])
    assert found.opened == {"position_ticket": 99, "position_identifier": FIRST}


# --- settled by a person, searched in the admin --------------------------------------------------
@pytest.mark.both_databases
@pytest.mark.parametrize("first", [False, True])
def test_a_person_may_settle_it_with_either_number(desk: Desk, first: bool) -> None:
    browser, boss = Browser(desk), make_user("trading.settle_order")
    identifier, now = reopened(browser)
    Order.objects.filter(position_ticket=identifier).update(
        position_ticket=None, position_identifier=None, order_ticket=None
    )
    lost = make_order(desk.accounts["2"], state="needs-attention", contract="2")
    number = identifier if first else now
    assert settling.settle_by_hand(lost, boss, State.FILLED, "seen", number)
    lost.refresh_from_db()
    assert (lost.position_ticket, lost.identity) == (now, identifier)
    other = make_order(desk.accounts["2"], state="needs-attention", contract="2")
    for taken in (identifier, now):
        with pytest.raises(ValueError, match="was opened by another order"):
            settling.settle_by_hand(other, boss, State.FILLED, "seen", taken)


@pytest.mark.both_databases
@pytest.mark.parametrize("number", [LARGEST, LONG])
def test_an_order_is_found_in_the_admin_by_each_of_its_numbers(number: int) -> None:
    names = ("position_ticket", "position_identifier", "order_ticket", "deal_ticket")
    account = make_account()
    made = [make_order(account, **{name: number}) for name in names]
    boss = Client()
    boss.force_login(make_user(is_staff=True, is_superuser=True))
    page = boss.get("/admin/trading/order/", {"q": str(number)})
    assert {one.pk for one in page.context["cl"].result_list} == {one.pk for one in made}
