"""Versus as the desk sees and runs them, without scripts, at real agents."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.utils import timezone

from accounts.models import Account, Agent, Firm, Position
from tests.factories import make_order, make_position, make_user, make_versus
from tests.pages.reading import text, words
from tests.versus.pair import Pair
from tests.versus.visitor import LOOK, RUN, browser, page_of
from trading.models import Versus
from trading.sizing import Refused
from trading.versus import zones
from trading.versus.changes import change
from trading.versus.legs import ticket_of
from trading.versus.states import State

pytestmark = pytest.mark.django_db


@pytest.fixture
def runner(db: None) -> User:
    return make_user(*RUN)


def offered(html: str) -> set[str]:
    """What may be done with the versus of that page."""
    return set(re.findall(r'href="/versus/[A-Z0-9]{6}/(\w+)/"', html))


def do(pair: Pair, versus: Versus, act: str, **typed: Any) -> HttpResponse:
    """Confirmed on its page; the versus is as it became."""
    answer = browser(pair.user).post(f"/versus/{versus.code}/{act}/", typed)
    versus.refresh_from_db()
    assert isinstance(answer, HttpResponse)
    return answer


# --- what is shown ------------------------------------------------------------------------------
STATES = {
    State.PENDING: {"freeze", "schedule", "cancel"},
    State.FREEZING: set(),
    State.FROZEN: {"transfer", "schedule", "close"},
    State.TRANSFERRING: set(),
    State.UNPROTECTED: {"close"},
    State.TRANSFERRED: {"close"},
    State.DIVERGED: {"close"},
    State.CLOSING: set(),
    State.CLOSED: {"archive"},
    State.MISSED: {"archive"},
}


@pytest.mark.parametrize("state", STATES)
def test_a_state_offers_only_its_safe_actions_and_only_to_users_who_run_versus(
    runner: User, state: State
) -> None:
    ended = timezone.now() if state in (State.CLOSED, State.MISSED) else None
    versus = make_versus(runner, state=state, ended_at=ended)
    assert offered(page_of(runner, f"/versus/{versus.code}/")) == STATES[state]
    assert offered(page_of(make_user(*LOOK), f"/versus/{versus.code}/")) == set()


@pytest.mark.both_databases
def test_what_alarms_stands_first_and_what_has_ended_in_a_table_below(runner: User) -> None:
    made = {
        state: make_versus(runner, state=state, reason=f"why-{state}", ended_at=ended)
        for state, ended in (
            (State.PENDING, None),
            (State.COMPLETED, timezone.now()),
            (State.DIVERGED, None),
            (State.FROZEN, None),
        )
    }
    html = page_of(runner)
    places = [html.index(made[state].code) for state in (State.DIVERGED, State.FROZEN)]
    places += [html.index(made[State.PENDING].code), html.index(made[State.COMPLETED].code)]
    assert places == sorted(places)
    assert "The accounts do not balance each other any more" in html


def test_a_leg_shows_its_ticket_and_profit_and_what_is_not_known_is_no_zero(pair: Pair) -> None:
    versus = pair.frozen()
    pair.read()
    ticket = ticket_of(versus.orders.get(step="buy"))
    Position.objects.filter(ticket=ticket).update(profit=Decimal("-12.34"))
    shown = words(page_of(pair.user))
    assert str(ticket) in shown
    assert "-12.34" in shown
    assert "A flat, B flat; together flat" in shown
    Agent.objects.update(last_seen_at=timezone.now() - timedelta(hours=1))
    stale = page_of(pair.user)
    assert "-12.34" not in stale
    assert "are old" in stale
    assert "A leg is unknown" in stale
    assert "0.00" not in words(stale[stale.index("<table") : stale.index("</table>")])


def test_an_order_whose_outcome_is_lost_is_named_with_a_link(runner: User) -> None:
    versus = make_versus(runner, state=State.FREEZING)
    order = make_order(versus.account_a, versus=versus, run=1, step="buy", state="unknown")
    html = page_of(runner)
    assert f'href="/orders/{order.pk}/"' in html
    assert "No further step is taken until it is settled" in html
    assert "not known while “buy 0.1 EURUSD” is" in words(html)


def test_one_that_needs_a_person_stands_before_those_that_do_not(runner: User) -> None:
    calm, lost = (make_versus(runner, state=State.FREEZING) for _ in range(2))
    make_order(lost.account_a, versus=lost, run=1, step="buy", state="needs-attention")
    html = page_of(runner)
    assert html.index(lost.code) < html.index(calm.code)


def test_a_leg_that_stands_alone_because_it_cannot_be_closed_is_an_alarm(pair: Pair) -> None:
    pair.venue.steer("2", next_order=["slippage", "reject", "closed"])
    versus = pair.frozen()
    assert versus.state == State.FREEZING
    html = page_of(pair.user)
    assert "v-bad" in html
    assert "could not be closed yet" in html
    versus = pair.much_later(versus)
    assert versus.state == State.COMPENSATED
    assert "could not be closed yet" not in page_of(pair.user)


def test_a_schedule_is_shown_on_the_clock_of_its_zone_with_a_countdown(runner: User) -> None:
    at = datetime(2030, 7, 1, 12, 30, tzinfo=UTC)
    make_versus(runner, freeze_at=at)
    html = page_of(runner)
    assert f'data-next="{int(at.timestamp())}"' in html
    assert "01 Jul 14:30 Europe/Madrid" in words(html)


# --- what is done -------------------------------------------------------------------------------
@pytest.mark.both_databases
def test_it_is_frozen_transferred_and_closed_from_its_pages(pair: Pair) -> None:
    versus = pair.created()
    asked = words(page_of(pair.user, f"/versus/{versus.code}/freeze/"))
    assert f"buy and sell 0.1 lots of EURUSD on account {versus.login_a}" in asked
    assert "sell 0.1 EURUSD" in asked
    assert pair.held("a", versus) == []
    do(pair, versus, "freeze")
    assert versus.state == State.FROZEN
    assert "in two halves" in page_of(pair.user, f"/versus/{versus.code}/transfer/")
    do(pair, versus, "transfer")
    assert versus.state == State.TRANSFERRED
    assert "Close every leg" in page_of(pair.user, f"/versus/{versus.code}/close/")
    do(pair, versus, "close", reason="news")
    assert (versus.state, versus.reason) == (State.CLOSED, "news")
    assert pair.held("a", versus) == pair.held("b", versus) == []
    whole = words(page_of(pair.user, f"/versus/{versus.code}/"))
    assert "frozen" in whole
    assert whole.count("close all of") >= 4


def test_a_button_that_is_pressed_twice_does_it_once(pair: Pair) -> None:
    versus = pair.created()
    answers = [do(pair, versus, "freeze") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [302, 302]
    assert versus.orders.count() == 2


def test_a_transfer_that_is_pressed_twice_and_falls_back_is_tried_once(pair: Pair) -> None:
    versus = pair.frozen()
    pair.venue.steer("6", next_order="no-money")
    asked = page_of(pair.user, f"/versus/{versus.code}/transfer/")
    run = re.search(r'name="run" value="(\d+)"', asked)
    assert run is not None
    for _ in range(2):
        do(pair, versus, "transfer", run=run[1])
    assert (versus.state, versus.run) == (State.FROZEN, 2)
    assert len(pair.venue.entries("6", "send")) == 1


def test_what_stands_against_it_is_said_and_nothing_is_sent(pair: Pair) -> None:
    versus = pair.created()
    Account.objects.filter(pk=versus.account_a_id).update(connected=False)
    answer = do(pair, versus, "freeze")
    assert answer.status_code == 422
    assert "its terminal has lost the broker" in text(answer)
    assert versus.state == State.PENDING
    assert not versus.orders.exists()


def test_one_that_was_not_begun_is_cancelled(runner: User) -> None:
    versus = make_versus(runner)
    browser(runner).post(f"/versus/{versus.code}/cancel/")
    versus.refresh_from_db()
    assert versus.state == State.CANCELLED


def test_times_are_typed_on_the_clock_of_the_versus_and_kept_when_refused(runner: User) -> None:
    versus = make_versus(runner)
    path, client = f"/versus/{versus.code}/schedule/", browser(runner)
    typed = {"freeze_at": "2030-07-01T14:30", "transfer_at": "2030-03-31T02:30"}
    answer = client.post(path, typed)
    assert answer.status_code == 422
    assert "does not exist in Europe/Madrid" in text(answer)
    assert 'value="2030-07-01T14:30"' in text(answer)
    client.post(path, typed | {"transfer_at": "2030-07-01T15:00"})
    versus.refresh_from_db()
    assert versus.freeze_at == datetime(2030, 7, 1, 12, 30, tzinfo=UTC)
    assert versus.transfer_at == datetime(2030, 7, 1, 13, 0, tzinfo=UTC)
    assert 'value="2030-07-01T14:30"' in text(client.get(path))


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("2026-03-29T02:30", "does not exist in Europe/Madrid"),
        ("2026-10-25T02:30", "comes twice in Europe/Madrid"),
        ("tomorrow", "is no date and time"),
        ("2026-01-31", "is no date and time"),
        ("9999-12-31T23:59:99", "is no date and time"),
    ],
)
def test_a_time_that_may_mean_another_is_refused(typed: str, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        zones.read(typed, zones.zone("Europe/Madrid"), "Freeze at")


def test_a_time_that_says_itself_how_far_it_is_from_utc_is_taken_at_its_word() -> None:
    at = zones.read("2026-03-29T02:30+05:00", zones.zone("Europe/Madrid"), "Freeze at")
    assert at == datetime(2026, 3, 28, 21, 30, tzinfo=UTC)


@pytest.mark.parametrize("name", ["", "Madrid", "../etc/passwd", "Europe/Atlantis"])
def test_a_zone_that_there_is_not_is_refused(name: str) -> None:
    with pytest.raises(Refused, match="zone"):
        zones.zone(name)


@pytest.mark.both_databases
def test_all_cards_together_cost_as_many_queries_as_one(
    runner: User, django_assert_max_num_queries: Any
) -> None:
    for _ in range(6):
        versus = make_versus(runner, state=State.FROZEN)
        position = make_position(versus.account_a)
        leg = {"state": "filled", "run": 1, "step": "buy", "position_ticket": position.ticket}
        make_order(versus.account_a, versus=versus, ended_at=timezone.now(), **leg)
    client = browser(runner)
    client.get("/versus/")
    with django_assert_max_num_queries(12):
        client.get("/versus/")


@pytest.mark.parametrize("path", ["new/?group=x", "new/?group=99999", "NOSUCH/", "NOSUCH/freeze/"])
def test_what_there_is_not_is_not_found(runner: User, path: str) -> None:
    assert browser(runner).get(f"/versus/{path}").status_code == 404


def test_a_warning_that_is_new_is_acknowledged_on_the_page_that_begins_it(pair: Pair) -> None:
    versus = pair.created()
    Firm.objects.update(opposite_positions="forbidden", rule_source="terms, 4.2")
    refused = do(pair, versus, "freeze")
    assert refused.status_code == 422
    assert "Nothing was done. Before it can begin" in words(text(refused))
    shown = re.findall(r'name="warning" value="([^"]*)"', text(refused))
    assert len(shown) == 2
    do(pair, versus, "freeze", acknowledged="on", warning=shown[:1])
    assert versus.state == State.PENDING
    do(pair, versus, "freeze", acknowledged="on", warning=shown)
    assert versus.state == State.FROZEN
    said = words(page_of(pair.user, f"/versus/{versus.code}/"))
    assert f"Acknowledged by {pair.user.username} on" in said
    assert said.count("(terms, 4.2)") == 2


# --- the archive --------------------------------------------------------------------------------
@pytest.mark.both_databases
def test_an_archived_versus_leaves_the_list_and_comes_back(pair: Pair) -> None:
    versus, kept = make_versus(pair.user, state=State.CLOSED), make_versus(pair.user)
    Versus.objects.filter(pk=versus.pk).update(ended_at=timezone.now())
    assert versus.code in page_of(pair.user)
    do(pair, versus, "archive")
    listed = page_of(pair.user)
    assert versus.code not in listed
    assert (kept.code in listed, "Archive (1)" in listed) == (True, True)
    archive = page_of(pair.user, "/versus/?archived=1")
    assert versus.code in archive
    assert offered(page_of(pair.user, f"/versus/{versus.code}/")) == {"restore"}
    do(pair, versus, "restore")
    assert versus.code in page_of(pair.user)
    assert "Archive (" not in page_of(pair.user)


def test_an_empty_archive_says_so_and_leads_back_to_the_ended(pair: Pair) -> None:
    make_versus(pair.user, state=State.CLOSED)
    archive = page_of(pair.user, "/versus/?archived=1")
    assert "The archive is empty." in archive
    assert 'id="list-ended"' in archive


def test_one_that_is_open_is_not_archived(pair: Pair) -> None:
    versus = make_versus(pair.user, state=State.FROZEN)
    do(pair, versus, "archive")
    assert versus.archived_at is None


def test_an_end_that_was_none_is_taken_out_of_the_archive(pair: Pair) -> None:
    versus = make_versus(pair.user, state=State.CANCELLED, archived_at=timezone.now())
    assert change(versus, State.DIVERGED, "An order of it executed after all.")
    versus.refresh_from_db()
    assert versus.archived_at is None
