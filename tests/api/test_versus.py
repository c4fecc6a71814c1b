"""Versus through the API, with the original's names, at real agents."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from accounts.models import Account, Firm
from tests.api.program import Program, told
from tests.factories import make_user
from tests.versus.pair import Pair
from tests.versus.visitor import RUN
from trading.models import Order, TradingSwitch, Versus
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


def test_a_step_whose_outcome_is_unknown_goes_on_by_itself(pair: Pair, program: Program) -> None:
    code = told(program.post("versus", asked(pair)), 200)["versus"]["id"]
    pair.venue.steer("2", next_order="never")
    waiting = told(program.post(f"versus/{code}/congelar"), 202)
    assert (waiting["status"], waiting["versus"]["state"]) == ("pending", "freezing")


def test_schedules_are_read_on_the_clock_of_their_zone_or_as_they_say(
    pair: Pair, program: Program
) -> None:
    body = asked(pair, zone="Europe/Madrid", scheduled_congelar="2030-07-01T14:30:00")
    body["scheduled_transferir"] = "2030-07-01T15:00:00+00:00"
    told(program.post("versus", body), 200)
    versus = Versus.objects.get()
    assert versus.freeze_at == datetime(2030, 7, 1, 12, 30, tzinfo=UTC)
    assert versus.transfer_at == datetime(2030, 7, 1, 15, tzinfo=UTC)


def test_only_one_that_was_not_begun_is_deleted(pair: Pair, program: Program) -> None:
    code = told(program.post("versus", asked(pair)), 200)["versus"]["id"]
    assert told(program.ask("DELETE", f"versus/{code}"), 200)["status"] == "success"
    assert Versus.objects.get().state == "cancelled"
    frozen = pair.frozen()
    refused = told(program.ask("DELETE", f"versus/{frozen.code}"), 400)
    assert "If it has open legs, close it." in refused["detail"]
    assert len(pair.held("a", frozen)) == 2


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
