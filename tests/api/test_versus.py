"""Versus through the API, with the original's names, at real agents."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Account, Firm
from tests.api.program import Program, told
from tests.factories import make_standing, make_user
from tests.versus.pair import Pair
from tests.versus.visitor import RUN
from trading.models import Order, StandingAcknowledgement, TradingSwitch, Versus
from trading.versus import desk

pytestmark = pytest.mark.django_db
TENTH, HALF = Decimal("0.10"), Decimal("0.05")


@pytest.fixture
def runner(db: None) -> User:
    return make_user(*RUN)


@pytest.fixture
def program(pair: Pair) -> Program:
    return Program(pair.user)


def asked(pair: Pair, **changes: Any) -> dict[str, Any]:
    a, b = (pair.accounts[role].number for role in "ab")
    money = {"tp_usd_a": 150, "sl_usd_a": 100, "tp_usd_b": 140, "sl_usd_b": 120}
    return {"account_a": a, "account_b": b, "lots": 0.1, "side": "BUY", **money, **changes}


def test_a_versus_is_created_frozen_and_transferred_as_scripts_do(
    pair: Pair, program: Program
) -> None:
    Account.objects.filter(number=asked(pair)["account_a"]).update(holder="Ana")
    Account.objects.filter(number=asked(pair)["account_b"]).update(holder="")
    made = told(program.post("versus", asked(pair)), 200)["versus"]
    assert (made["status"], made["symbol"], made["tp_usd_b"]) == ("pending", "EURUSD", 140)
    assert (made["holder_a"], made["prop_firm_a"]) == ("Ana", "Liberal")
    assert (made["holder_b"], made["prop_firm_b"]) == (None, "Liberal")
    code = made["id"]
    frozen = told(program.post(f"versus/{code}/congelar"), 200)
    assert (frozen["status"], frozen["versus"]["status"]) == ("success", "congelado")
    assert len(frozen["tickets"]) == 2
    versus = Versus.objects.get()
    assert pair.held("a", versus) == [("BUY", TENTH), ("SELL", TENTH)]
    done = told(program.post(f"versus/{code}/transferir"), 200)
    assert done["versus"]["status"] == "transferido"
    assert done["account_a_ticket"] in frozen["tickets"]
    assert (len(done["account_b_tickets"]), pair.held("b", versus)) == (2, [("SELL", HALF)] * 2)
    levels = done["prices"]
    assert levels["account_a"]["tp"] == pytest.approx(levels["account_b"]["sl"], abs=0.001)
    listed = program.get("versus")
    assert (listed["count"], listed["versus_list"][0]["id"]) == (1, code)
    assert told(program.post(f"versus/{code}/close"), 200)["versus"]["status"] == "completed"
    assert (pair.held("a", versus), pair.held("b", versus)) == ([], [])


def test_what_a_firm_forbids_is_taken_upon_oneself_or_refused(pair: Pair, program: Program) -> None:
    Firm.objects.update(opposite_positions="forbidden")
    refused = told(program.post("versus", asked(pair)), 400)
    assert [check["blocks"] for check in refused["checks"]] == [False, False]
    assert "forbids opposite positions" in refused["detail"]
    narrow = Program(pair.user, [*RUN[:-1]])
    body = asked(pair, acknowledge_firm_rules=True)
    assert "acknowledge_firm_rules" in told(narrow.post("versus", body), 403)["detail"]
    assert not Versus.objects.exists()
    told(program.post("versus", body), 200)
    assert len(Versus.objects.get().acknowledged) == 2


@pytest.mark.both_databases
def test_a_warning_that_is_new_is_accepted_when_it_begins(pair: Pair, program: Program) -> None:
    code = told(program.post("versus", asked(pair)), 200)["versus"]["id"]
    Firm.objects.update(opposite_positions="forbidden")
    assert told(program.post(f"versus/{code}/congelar"), 400)["checks"]
    accepted = {"acknowledge_firm_rules": True}
    assert told(program.post(f"versus/{code}/congelar", accepted), 200)


def test_a_step_that_fails_says_why_and_what_became_of_it(pair: Pair, program: Program) -> None:
    code = told(program.post("versus", asked(pair)), 200)["versus"]["id"]
    pair.venue.steer("2", next_order="no-money")
    failed = told(program.post(f"versus/{code}/congelar"), 400)
    assert (failed["status"], failed["versus"]["state"]) == ("error", "cancelled")
    assert failed["detail"] == failed["versus"]["error_message"]
    again = told(program.post(f"versus/{code}/congelar"), 400)
    assert "It is cancelled by now." in again["detail"]


@pytest.mark.both_databases
def test_a_step_whose_outcome_is_unknown_goes_on_by_itself(pair: Pair, program: Program) -> None:
    code = told(program.post("versus", asked(pair)), 200)["versus"]["id"]
    pair.venue.steer("2", next_order="never")
    waiting = told(program.post(f"versus/{code}/congelar"), 202)
    assert (waiting["status"], waiting["versus"]["state"]) == ("pending", "freezing")


@pytest.mark.both_databases
def test_schedules_are_read_on_the_clock_of_their_zone_or_as_they_say(
    pair: Pair, program: Program
) -> None:
    body = asked(pair, zone="Europe/Madrid", scheduled_congelar="2030-07-01T14:30:00")
    body["scheduled_transferir"] = "2030-07-01T15:00:00+00:00"
    told(program.post("versus", body), 200)
    versus = Versus.objects.get()
    assert versus.freeze_at == datetime(2030, 7, 1, 12, 30, tzinfo=UTC)
    assert versus.transfer_at == datetime(2030, 7, 1, 15, tzinfo=UTC)


WRONG: dict[str, tuple[dict[str, Any], int, str]] = {
    "one account": ({"account_b": 5100037}, 400, "two accounts"),
    "no such account": ({"account_b": 99}, 400, "No account fits “99”"),
    "no side": ({"side": "HOLD"}, 422, "side"),
    "no lots": ({"lots": 0}, 422, "lots"),
    "not to be halved": ({"lots": 0.01}, 400, "cannot be halved"),
    "a time that has passed": ({"scheduled_congelar": "2020-01-01T00:00:00"}, 400, "has passed"),
    "a zone that is none": ({"zone": "Mars/Olympus"}, 400, "Mars/Olympus"),
    "a symbol that is none": ({"symbol": "NOSUCH"}, 400, "NOSUCH"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_said_and_nothing_is_made(
    pair: Pair, program: Program, wrong: str
) -> None:
    changes, status, sentence = WRONG[wrong]
    if wrong == "one account":
        changes = {"account_b": pair.accounts["a"].number}
    assert sentence in told(program.post("versus", asked(pair, **changes)), status)["detail"]
    assert not Versus.objects.exists()


def test_where_versus_or_trading_are_off_nothing_begins(
    pair: Pair, program: Program, settings: Settings
) -> None:
    code = told(program.post("versus", asked(pair)), 200)["versus"]["id"]
    TradingSwitch.objects.update(is_on=False)
    assert told(program.post(f"versus/{code}/congelar"), 503)["detail"]
    settings.VERSUS_ENABLED = False
    assert "VERSUS_ENABLED=1" in told(program.post(f"versus/{code}/congelar"), 503)["detail"]
    assert "VERSUS_ENABLED=1" in told(program.post("versus", asked(pair)), 503)["detail"]
    assert program.get("versus/feature-status") == {"enabled": False}
    assert program.get("versus")["count"] == 1
    assert not Order.objects.exists()


@pytest.mark.both_databases
def test_the_list_is_read_in_pages(pair: Pair, program: Program) -> None:
    made = []
    for _ in range(3):
        versus = pair.created()
        desk.cancel(versus, pair.user)
        made.append(versus.code)
    first = program.get("versus?limit=2")
    assert [one["id"] for one in first["versus_list"]] == [made[2], made[1]]
    last = program.get(f"versus?limit=2&before={first['next']}")
    assert [one["id"] for one in last["versus_list"]] == [made[0]]
    assert last["next"] is None
    assert program.ask("GET", "versus?before=NOSUCH").status_code == 404


# --- deleting and closing -----------------------------------------------------------------------
@pytest.mark.both_databases
def test_an_ended_versus_is_deleted_from_the_list_and_stays_readable(
    pair: Pair, program: Program
) -> None:
    versus = pair.frozen()
    refused = told(program.ask("DELETE", f"versus/{versus.code}"), 400)
    assert f"POST /api/versus/{versus.code}/close" in refused["detail"]
    told(program.post(f"versus/{versus.code}/close"), 200)
    for _ in range(2):  # a second time changes nothing
        told(program.ask("DELETE", f"versus/{versus.code}"), 200)
    assert program.get("versus")["count"] == 0
    assert program.get("versus?archived=true")["versus_list"][0]["archived"] is True
    assert program.get(f"versus/{versus.code}")["versus"]["state"] == "closed"
    assert [event.text for event in versus.events.all()].count("Archived.") == 1


def test_closing_one_that_was_not_begun_cancels_it_as_deleting_does(
    pair: Pair, program: Program
) -> None:
    waiting = pair.created()
    closed = told(program.post(f"versus/{waiting.code}/close"), 200)
    assert closed["versus"]["state"] == "cancelled"
    assert told(program.post(f"versus/{waiting.code}/close"), 200) == closed
    assert "deleted" in told(program.ask("DELETE", f"versus/{waiting.code}"), 200)["message"]
    again = pair.created()
    message = told(program.ask("DELETE", f"versus/{again.code}"), 200)["message"]
    assert message == f"Versus {again.code} is cancelled and deleted."
    assert not Order.objects.exists()


def test_one_that_is_opening_is_neither_closed_nor_deleted(pair: Pair, program: Program) -> None:
    versus = pair.created()
    pair.venue.steer("2", next_order="never")
    desk.freeze(versus, pair.user)
    told(program.post(f"versus/{versus.code}/close"), 400)
    told(program.ask("DELETE", f"versus/{versus.code}"), 400)
    versus.refresh_from_db()
    assert (versus.state, versus.archived_at) == ("freezing", None)


# --- warnings that a person accepted beforehand -------------------------------------------------
@pytest.fixture
def script(pair: Pair) -> Program:
    """One whose user may run versus and acknowledge nothing, as the original's client."""
    Firm.objects.update(opposite_positions="forbidden")
    return Program(make_user(*RUN[:-1]))


def test_a_standing_acknowledgement_lets_a_program_begin_and_is_recorded(
    pair: Pair, script: Program
) -> None:
    assert "forbids" in told(script.post("versus", asked(pair)), 400)["detail"]
    standing = make_standing(script.user)
    code = told(script.post("versus", asked(pair)), 200)["versus"]["id"]
    versus = Versus.objects.get(code=code)
    assert (versus.acknowledger, versus.acknowledged_by) == (standing.giver, standing.given_by)
    assert len(versus.acknowledged) == 2
    recorded = versus.events.get(step="accepted")
    assert (recorded.actor, recorded.data) == (standing.giver, versus.acknowledged)
    assert standing.reason in recorded.text
    told(script.post(f"versus/{code}/congelar"), 200)


@pytest.mark.both_databases
@pytest.mark.parametrize("why", ["expired", "revoked", "giver", "another", "another token"])
def test_a_standing_acknowledgement_that_does_not_hold_accepts_nothing(
    pair: Pair, script: Program, why: str
) -> None:
    standing = make_standing(make_user() if why == "another" else script.user)
    if why == "expired":
        StandingAcknowledgement.objects.update(expires_at=timezone.now())
    elif why == "revoked":
        assert standing.revoke()
        assert not standing.revoke()
    elif why == "giver":
        standing.given_by.user_permissions.clear()
    elif why == "another token":
        StandingAcknowledgement.objects.update(token=Program(script.user).token)
    told(script.post("versus", asked(pair)), 400)
    assert not Versus.objects.exists()


def test_a_standing_acknowledgement_may_be_for_one_token_alone(pair: Pair, script: Program) -> None:
    make_standing(script.user, token=script.token)
    told(Program(script.user).post("versus", asked(pair)), 400)
    # Also one that sends what it may not: its acknowledgement stands in for the permission.
    told(script.post("versus", asked(pair, acknowledge_firm_rules=True)), 200)


def test_what_blocks_is_not_accepted_by_anything(pair: Pair, script: Program) -> None:
    make_standing(script.user)
    refused = told(script.post("versus", asked(pair, symbol="NOSUCH")), 400)
    assert "NOSUCH" in refused["detail"]
