"""Accounts and agents through the API: it says what the rows say, and asks nobody unless told."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import Account, Agent, Phase, VSGroup
from accounts.polling import poller
from tests.api.program import Program, told
from tests.cast import EDIT, VIEW
from tests.factories import (
    make_account,
    make_agent,
    make_firm,
    make_online_agent,
    make_phase,
    make_position,
    make_user,
)
from tests.valkey import PrivateValkey

pytestmark = pytest.mark.django_db
ORIGINAL = [
    *("row_number", "account_number", "account_name", "balance", "status", "phase"),
    *("days_operating", "has_open_position", "vps_source", "last_updated", "account_holder"),
    *("prop_firm", "initial_balance", "vs_group"),
]


@pytest.fixture
def program(valkey: PrivateValkey) -> Program:
    return Program(make_user(*VIEW, *EDIT))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The agents that were read, a list a time."""
    asked: list[list[str]] = []

    def refresh(agents: Any, **_: float) -> Any:
        asked.append(sorted(agent.name for agent in agents))
        return iter(())

    monkeypatch.setattr(poller, "refresh", refresh)
    return asked


def test_an_account_has_the_fields_of_the_original_and_ours_beside_them(program: Program) -> None:
    group = VSGroup.objects.create(name="VS1")
    firm, phase = make_firm("North"), make_phase("R")
    columns: dict[str, Any] = {"holder": "Ana", "firm": firm, "phase": phase, "open_positions": 1}
    columns |= {"balance": Decimal("101000.50"), "initial_balance": 100_000, "name": "Main"}
    row = make_account(number=4711, vs_group=group, vs_slot="A", days_operating=12, **columns)
    one = program.get("accounts/4711")
    assert set(ORIGINAL) <= set(one)
    assert [one[name] for name in ORIGINAL[1:9]] == [
        4711, "Main", 101000.5, "connected", "R", 12, True, row.agent and row.agent.name,
    ]  # fmt: skip
    assert [one[name] for name in ORIGINAL[10:]] == ["Ana", "North", 100_000, "VS1"]
    assert (one["profit"], one["stale"]) == (1000.5, False)


@pytest.mark.both_databases
def test_what_is_not_known_is_null_and_counts_in_no_total(program: Program) -> None:
    make_account(number=1, balance=500)
    make_account(number=2, balance=700, agent=make_agent(status="timeout"))
    empty = {"balance": None, "initial_balance": None, "open_positions": None, "name": ""}
    make_account(number=3, agent=None, phase=None, days_operating=None, connected=None, **empty)
    fleet = program.get("accounts")
    assert (fleet["total_accounts"], fleet["connected_accounts"]) == (3, 1)
    assert (fleet["disconnected_accounts"], fleet["fresh_accounts"]) == (2, 1)
    assert fleet["total_balance"] == 500
    unknown = fleet["accounts"][2]
    nulls = {"balance", "phase", "days_operating", "has_open_position", "vps_source"}
    nulls |= {"last_updated", "account_holder", "prop_firm", "initial_balance", "vs_group"}
    assert {name for name in ORIGINAL if unknown[name] is None} == nulls
    assert [one["row_number"] for one in fleet["accounts"]] == [1, 2, 3]


@pytest.mark.both_databases
@pytest.mark.parametrize(
    ("held", "total", "balances"),
    [
        ([], 0, {}),
        ([("USD", 100), ("USD", 50)], 150, {"USD": 150}),
        # Agents of contract 1 tell none: a desk that has one currency has it there as well.
        ([("USD", 100), ("", 50)], 150, {"USD": 150}),
        ([("", 100)], 100, {"currency not told": 100}),
        ([("USD", 100), ("EUR", 50)], None, {"EUR": 50, "USD": 100}),
        (
            [("USD", 100), ("EUR", 50), ("", 7)],
            None,
            {"currency not told": 7, "EUR": 50, "USD": 100},
        ),
        ([("USD", None)], None, {}),
    ],
)
def test_balances_of_several_currencies_are_no_sum(
    program: Program,
    held: list[tuple[str, int | None]],
    total: int | None,
    balances: dict[str, int],
) -> None:
    for number, (currency, balance) in enumerate(held, 1):
        make_account(number=number, currency=currency, balance=balance)
    fleet = program.get("accounts")
    assert (fleet["total_balance"], fleet["balances"]) == (total, balances)


def test_a_desk_s_own_walk_through(program: Program, asked: list[list[str]]) -> None:
    """List twice, edit a phase, others stay fresh, stats, list again."""
    make_phase("F2")
    seen = timezone.now() - timedelta(seconds=3)
    for number in (1, 2, 3):
        make_account(number=number, agent=make_online_agent(last_seen_at=seen))
    first, second = program.get("accounts"), program.get("accounts")
    assert first == second
    edited = told(program.put("accounts/2/phase", {"phase": "F2"}), 200)
    assert (edited["status"], edited["account_number"], edited["new_phase"]) == ("success", 2, "F2")
    third = program.get("accounts")
    changed = [a["account_number"] for a, b in zip(third["accounts"], first["accounts"], strict=True) if a != b]  # noqa: E501  # fmt: skip
    assert changed == [2]
    stats = program.get("cache/stats")
    assert (stats["accounts_cached"], stats["agents_cached"]) == (3, 3)
    assert (stats["hits"], stats["misses"]) == (3, 0)
    assert stats["last_full_refresh"] is not None
    assert program.get("accounts") == third
    assert asked == []


def test_reading_anew_asks_one_agent_for_one_account_and_all_for_all(
    program: Program, asked: list[list[str]]
) -> None:
    for number in (1, 2):
        make_account(number=number, agent=make_online_agent(name=f"agent-{number}"))
    make_agent(name="off", enabled=False)
    program.get("accounts/2?force_refresh=true")
    program.get("accounts?force_refresh=true")
    told(program.post("refresh"), 200)
    assert asked == [["agent-2"], ["agent-1", "agent-2"], ["agent-1", "agent-2"]]
    assert program.get("cache/stats")["misses"] == 3


def test_what_the_caller_has_already_is_not_sent_again(program: Program) -> None:
    make_account(number=1)
    first = program.ask("GET", "accounts")
    again = program.ask("GET", "accounts", **{"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    Account.objects.update(balance=1)
    changed = program.ask("GET", "accounts", **{"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200


def test_a_list_takes_the_same_queries_however_long_it_is(
    program: Program, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    program.get("accounts")
    for count in (1, 20):
        for _ in range(count):
            make_account(firm=make_firm())
        with django_assert_num_queries(4):  # the token, its user's and groups' permissions, rows
            program.get("accounts")


# --- phase and VS group -------------------------------------------------------------------------
@pytest.mark.both_databases
def test_a_phase_that_is_none_is_named_with_those_there_are(program: Program) -> None:
    row = make_account(number=1)
    before = row.phase_id
    for name in ("X9", "", "\x00"):
        refused = told(program.put("accounts/1/phase", {"phase": name}), 400)
        assert "There is no such phase. There are: F1" in refused["detail"]
    row.refresh_from_db()
    assert row.phase_id == before


def test_a_vs_group_is_upper_cased_and_null_leaves_it_as_in_the_original(program: Program) -> None:
    make_account(number=1)
    assert told(program.put("accounts/1/vs", {"vs_group": "vs7"}), 200)["new_vs"] == "VS7"
    misspelt = told(program.put("accounts/1/vs", {"group": "VS8"}), 422)
    assert "vs_group" in misspelt["detail"]
    assert told(program.put("accounts/1/vs", {"vs_group": None}), 200)["new_vs"] == ""


@pytest.mark.both_databases
def test_a_vs_group_is_joined_left_and_never_has_a_third_member(program: Program) -> None:
    for number in (1, 2, 3):
        make_account(number=number)
    for number in (1, 2):
        joined = told(program.put(f"accounts/{number}/vs", {"vs_group": "VS1"}), 200)
        assert joined["new_vs"] == "VS1"
    refused = told(program.put("accounts/3/vs", {"vs_group": "VS1"}), 400)
    assert refused["detail"] == "VS group VS1 already has two members: 1, 2."
    left = told(program.put("accounts/1/vs", {"vs_group": ""}), 200)
    assert left["new_vs"] == ""
    assert told(program.put("accounts/3/vs", {"vs_group": "VS1"}), 200)


def test_an_edit_through_the_api_has_its_user_in_the_history(program: Program) -> None:
    make_phase("R")
    row = make_account(number=1)
    told(program.put("accounts/1/phase", {"phase": "R"}), 200)
    assert row.history.latest().history_user == program.user


WRONG = {
    "no account": ("accounts/99", 404, "There is no account 99."),
    "no number": ("accounts/x", 422, "number"),
    "zero": ("accounts/0", 422, "number"),
    "too large": (f"accounts/{2**63}", 422, "number"),
    "no truth": ("accounts?force_refresh=perhaps", 422, "force_refresh"),
}


@pytest.mark.both_databases
@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_said(program: Program, wrong: str) -> None:
    path, status, sentence = WRONG[wrong]
    assert sentence in told(program.ask("GET", path), status)["detail"]


@pytest.mark.parametrize("body", ["[]", "{", '{"phase": 7}', '{"phase": null}', "", '"x"', "{}"])
def test_a_body_that_cannot_be_read_changes_nothing(program: Program, body: str) -> None:
    make_account(number=1)
    headers = {"Authorization": f"Bearer {program.key}"}
    answer = program.client.put("/api/accounts/1/phase", body, "application/json", headers=headers)
    assert answer.status_code in (400, 422)
    assert answer.json()["detail"]


def test_a_failure_of_ours_says_so_without_its_traceback(
    program: Program, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    make_account(number=1)
    monkeypatch.setattr("accounts.payloads.is_connected", lambda *_: 1 / 0)
    answer = told(program.ask("GET", "accounts/1"), 500)
    assert answer == {"detail": "Something failed here, and was written to the log. Nothing more is known about it."}  # noqa: E501  # fmt: skip
    assert "ZeroDivisionError" in caplog.text


# --- agents and positions -----------------------------------------------------------------------
@pytest.mark.both_databases
def test_agents_are_told_as_they_answered_last(program: Program) -> None:
    seen = timezone.now()
    agent = make_online_agent(name="VPS-1", last_seen_at=seen, polled_at=seen)
    make_account(number=1, agent=agent)
    make_agent(name="VPS-2", status="timeout", status_reason="No answer within 10 s.")
    first, second = program.get("agents/status")
    assert (first["agent_name"], first["status"], first["accounts_count"]) == ("VPS-1", "online", 1)
    assert (second["status"], second["reason"]) == ("timeout", "No answer within 10 s.")
    assert "secret" not in str(first)


def test_positions_that_could_not_be_read_are_null_and_not_none(program: Program) -> None:
    row = make_account(number=1, open_positions=1)
    make_position(row, ticket=77, symbol="EURUSD", profit=Decimal("-12.30"))
    held = program.get("accounts/1/positions")
    assert (held["position_count"], held["total_profit"]) == (1, -12.3)
    assert held["positions"][0]["ticket"] == 77
    unread = "The positions could not be read."
    Account.objects.update(open_positions=None, positions_error=unread)
    lost = program.get("accounts/1/positions")
    assert (lost["positions"], lost["position_count"], lost["reason"]) == (None, None, unread)
    assert Agent.objects.count() == 1


@pytest.mark.parametrize("change", ["stale", "switched off"])
def test_an_account_that_nobody_reads_any_more_is_not_connected(
    program: Program, change: str
) -> None:
    make_account(number=1, agent=make_online_agent())
    assert program.get("accounts")["connected_accounts"] == 1
    if change == "stale":
        Agent.objects.update(last_seen_at=timezone.now() - timedelta(days=1))
    else:
        Agent.objects.update(enabled=False)
    fleet = program.get("accounts")
    assert (fleet["connected_accounts"], fleet["disconnected_accounts"]) == (0, 1)


def test_a_body_that_is_too_large_is_a_mistake_of_the_caller(program: Program) -> None:
    refused = told(program.put("accounts/1/phase", {"phase": "x" * 3_000_000}), 413)
    assert refused["detail"] == "The body is too large."


@pytest.mark.both_databases
def test_an_agent_that_never_answered_does_not_hide_when_the_others_were_read(
    program: Program,
) -> None:
    assert program.get("cache/stats")["last_full_refresh"] is None
    make_agent(name="never")
    assert program.get("cache/stats")["last_full_refresh"] is None
    early, late = (timezone.now() - timedelta(seconds=age) for age in (30, 3))
    for number, seen in enumerate((late, early), 1):
        make_online_agent(name=f"agent-{number}", last_seen_at=seen)
    make_online_agent(name="off", enabled=False, last_seen_at=early - timedelta(days=1))
    told_at = program.get("cache/stats")["last_full_refresh"]
    assert datetime.fromisoformat(told_at) == early


def test_statistics_without_valkey_are_unknown_and_not_0(
    program: Program, valkey: PrivateValkey
) -> None:
    with valkey.away():
        stats = program.get("cache/stats")
        answer = program.ask("GET", "statistics")
    assert (stats["connection_count"], stats["connections"], stats["hits"]) == (None, None, None)
    assert answer.status_code == 503
    assert "Valkey" in told(answer, 503)["detail"]


@pytest.mark.both_databases
def test_an_unknown_phase_is_refused_with_the_list_unless_new_ones_are_allowed(
    program: Program, settings: Settings
) -> None:
    make_account(number=1)
    refused = told(program.put("accounts/1/phase", {"phase": "F9"}), 400)
    assert "There are: F1, F2, R, Q" in refused["detail"]
    settings.API_NEW_PHASES = True
    assert told(program.put("accounts/1/phase", {"phase": " F9 "}), 200)["new_phase"] == "F9"
    assert told(program.put("accounts/1/phase", {"phase": "F9"}), 200)["new_phase"] == "F9"
    assert [phase.name for phase in Phase.objects.all()] == ["F1", "F2", "R", "Q", "F9"]


@pytest.mark.both_databases
@pytest.mark.parametrize("name", ["", "   ", "\x00", "x" * 17])
def test_a_text_that_no_phase_can_have_makes_none(
    program: Program, settings: Settings, name: str
) -> None:
    settings.API_NEW_PHASES = True
    account, before = make_account(number=1), Phase.objects.count()
    assert "phase" in told(program.put("accounts/1/phase", {"phase": name}), 400)["detail"]
    assert (Account.objects.get().phase, Phase.objects.count()) == (account.phase, before)
