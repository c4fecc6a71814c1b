"""What a hostile agent can have written, over HTTP: a quota an agent and hour, and an alarm."""

import logging
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts import quotas
from accounts.models import Account, Agent, AgentQuota, Conflict, Firm, Position
from accounts.polling import poller
from accounts.quotas import Kind, Ledger
from tests.admin.conftest import boss as boss
from tests.admin.page_form import said
from tests.factories import make_agent, make_user
from tests.scripted_fleet import ScriptedFleet, told, told_positions

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
CONFLICTS = "/admin/accounts/conflict/"


def read(agent: Agent) -> Agent:
    """As a tick of the poller does."""
    Agent.objects.filter(pk=agent.pk).update(next_poll_at=timezone.now())
    poller.poll_due(reachable=True)
    agent.refresh_from_db()
    return agent


def later(hours: float) -> None:
    """As if so much time had passed since all quotas were used, and all alarms raised."""
    for row in AgentQuota.objects.all():
        AgentQuota.objects.filter(pk=row.pk).update(at=row.at - timedelta(hours=hours))
    for agent in Agent.objects.exclude(quota_at=None):
        at = (agent.quota_at or timezone.now()) - timedelta(hours=hours)
        Agent.objects.filter(pk=agent.pk).update(quota_at=at)


# --- accounts -----------------------------------------------------------------------------------
def test_an_answer_with_801_accounts_adds_one_and_a_short_list_that_waits(
    fleet: ScriptedFleet,
) -> None:
    (agent,) = fleet.make_agents(1)
    fleet.replies[1] = [told(n, prop_firm=f"Firm {n}") for n in range(1, 802)]
    for _ in range(2):
        agent = read(agent)
        assert [account.number for account in Account.objects.all()] == [1]
        assert Firm.objects.count() == 1
        assert Conflict.objects.count() == 50
        assert set(Conflict.objects.values_list("kind", flat=True)) == {"unexpected"}
    assert agent.status == "online"
    assert agent.status_code == "unexpected"
    assert "and 799 more. Settle it under Conflicts in the admin." in agent.status_reason


def test_a_person_adds_the_account_that_waited_and_the_next_reading_fills_it(
    fleet: ScriptedFleet, boss: Client
) -> None:
    (agent,) = fleet.make_agents(1)
    fleet.replies[1] = [told(1), told(2, balance=5.5), told(3)]
    read(agent)
    assert Account.objects.count() == 1
    waiting = Conflict.objects.get(number=2)
    action = {"action": "give_to_agent", "_selected_action": [waiting.pk]}
    assert "1 account given" in said(boss.post(CONFLICTS, action, follow=True))
    agent = read(agent)
    account = Account.objects.get(number=2)
    assert (account.agent, str(account.balance)) == (agent, "5.50")
    assert account.phase is not None
    assert list(Conflict.objects.values_list("number", flat=True)) == [3]


def test_an_agent_takes_as_many_accounts_as_are_expected_of_it(
    fleet: ScriptedFleet, settings: Any
) -> None:
    few, more = fleet.make_agents(2)
    Agent.objects.filter(pk=more.pk).update(expected_accounts=3)
    settings.AGENT_ACCOUNTS = 2
    fleet.replies[1] = [told(n) for n in (1, 2, 3, 4)]
    fleet.replies[2] = [told(n) for n in (11, 12, 13, 14)]
    read(few)
    numbers = Account.objects.values_list("number", flat=True)
    assert sorted(numbers) == [1, 2, 11, 12, 13]


def test_an_account_that_another_agent_left_waits_too_if_none_is_expected(
    fleet: ScriptedFleet,
) -> None:
    """Else an agent would take over what somebody switched off a moment ago."""
    first, second = fleet.make_agents(2)
    read(first)
    Agent.objects.filter(pk=first.pk).update(enabled=False)
    fleet.replies[2] = [told(2), told(1, balance=1.0)]
    read(second)
    assert Account.objects.get(number=1).agent == first
    assert Conflict.objects.get().kind == "unexpected"


def test_accounts_that_change_with_each_answer_are_not_noted_without_end(
    fleet: ScriptedFleet, settings: Any
) -> None:
    settings.AGENT_QUOTAS = settings.AGENT_QUOTAS | {"notices": (30, 10)}
    (agent,) = fleet.make_agents(1)
    made = set()
    for turn in range(1, 6):
        numbers = range(turn * 100, turn * 100 + 20)
        fleet.replies[1] = [told(1), *(told(number) for number in numbers)]
        agent = read(agent)
        made |= set(Conflict.objects.values_list("pk", flat=True))
    assert len(made) <= 30
    assert agent.status_code == "quota-reached"


def test_an_answer_of_more_than_a_thousand_accounts_is_an_error(fleet: ScriptedFleet) -> None:
    (agent,) = fleet.make_agents(1)
    fleet.replies[1] = [told(n) for n in range(1, 1002)]
    agent = read(agent)
    assert (agent.status, agent.status_code) == ("error", "too-large")
    assert not Account.objects.exists()


# --- positions ----------------------------------------------------------------------------------
def test_positions_that_change_with_each_answer_are_unknown_beyond_the_quota(
    fleet: ScriptedFleet, settings: Any, boss: Client
) -> None:
    settings.AGENT_QUOTAS = settings.AGENT_QUOTAS | {"positions": (50, 20)}
    (agent,) = fleet.make_agents(1)
    fleet.replies[1] = told(1, has_open_position=True)
    written: set[int] = set()
    for turn in range(4):
        fleet.positions[1] = told_positions(1, *range(turn * 20 + 1, turn * 20 + 21))
        agent = read(agent)
        written |= set(Position.objects.values_list("ticket", flat=True))
    assert written == set(range(1, 41))
    account = Account.objects.get()
    assert account.open_positions is None, "unknown, and not what it was before"
    assert account.positions_error.startswith("Quota reached: over 20 new positions an hour")
    assert agent.status == "online"
    assert agent.status_code == "quota-reached"
    later(1)
    agent = read(agent)
    assert Account.objects.get().open_positions == 20
    assert agent.status_code == ""
    page = boss.post(
        "/admin/accounts/agent/",
        {"action": "reset_quotas", "_selected_action": [agent.pk]},
        follow=True,
    )
    assert "quotas of 1 agent" in said(page)
    assert not AgentQuota.objects.exists()


# --- the operations log -------------------------------------------------------------------------
def test_an_agent_that_turns_with_each_poll_does_not_fill_the_operations_log(
    fleet: ScriptedFleet, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.AGENT_QUOTAS = settings.AGENT_QUOTAS | {"notices": (6, 1)}
    (agent,) = fleet.make_agents(1)
    with caplog.at_level(logging.INFO, logger="operations"):
        for turn in range(20):
            fleet.failing = {1} if turn % 2 else set()
            list(poller.refresh([agent]))
    lines = [record.getMessage() for record in caplog.records if record.name == "operations"]
    assert sum("is online" in line or "is error" in line for line in lines) == 6
    assert sum("Quota reached" in line for line in lines) == 1
    assert len(lines) == 7


# --- how it is shown ----------------------------------------------------------------------------
def test_staff_see_the_agents_that_reached_a_quota(client: Client) -> None:
    agent, _ = make_agent(name="vps-hostile"), make_agent()
    reason = quotas.sentence(Kind.HISTORY)
    Agent.objects.filter(pk=agent.pk).update(
        status="online", status_code="quota-reached", status_reason=reason, quota_at=timezone.now()
    )
    client.force_login(make_user("accounts.view_agent", is_staff=True))
    page = client.get("/agents/?state=quota").content.decode()
    assert "Quota reached" in page
    assert "vps-hostile" in page
    assert page.count("<tr id=") == 1
    assert "Agents: quota reached" in client.get("/admin/").content.decode()


def test_a_state_that_no_agent_is_in_stays_selected(client: Client) -> None:
    make_agent()
    client.force_login(make_user("accounts.view_agent"))
    page = client.get("/agents/?state=quota").content.decode()
    assert '<option value="quota" selected>Quota reached (0)</option>' in page


# --- the arithmetic -----------------------------------------------------------------------------
@pytest.mark.parametrize("kind", Kind.values)
def test_a_sentence_fits_its_columns_and_says_what_to_do(kind: str) -> None:
    sentence = quotas.sentence(kind)
    assert len(sentence) <= 300
    assert "reset its quotas" in sentence


def test_a_history_of_years_fits_at_first_and_the_rest_hour_by_hour(settings: Any) -> None:
    agent, now = make_agent().pk, timezone.now()
    assert quotas.take(agent, Kind.HISTORY, 20_000, now) == 20_000
    assert quotas.take(agent, Kind.HISTORY, 50_000, now) == 10_000
    assert quotas.take(agent, Kind.HISTORY, 50_000, now) == 0
    per_hour = settings.AGENT_QUOTAS["history"][1]
    assert quotas.take(agent, Kind.HISTORY, 50_000, now + timedelta(hours=1)) == per_hour
    assert quotas.take(agent, Kind.HISTORY, 5, now - timedelta(hours=9)) == 0, "clock set back"
    assert quotas.take(agent, Kind.POSITIONS, 7, now) == 7, "each kind has its own"
    assert quotas.take(make_agent().pk, Kind.HISTORY, 7, now) == 7, "and each agent"
    quotas.reset([agent])
    assert quotas.take(agent, Kind.HISTORY, 20_000, now) == 20_000


def test_what_is_used_in_fractions_of_a_row_is_not_lost() -> None:
    agent, at = make_agent().pk, timezone.now()
    quotas.take(agent, Kind.NOTICES, 200, at)
    granted = 0
    for _ in range(120):  # half a minute at a time; a notice a minute
        at += timedelta(seconds=30)
        granted += quotas.take(agent, Kind.NOTICES, 5, at)
    assert granted in (59, 60)


def test_a_ledger_grants_what_single_takes_would() -> None:
    agents = [make_agent().pk for _ in range(2)]
    now = timezone.now()
    ledger = Ledger(agents)
    assert ledger.take(agents[0], Kind.NOTICES, 150, now) == 150
    assert not ledger.take_all(agents[0], Kind.NOTICES, 51, now)
    assert ledger.take_all(agents[0], Kind.NOTICES, 50, now)
    ledger.write()
    assert quotas.take(agents[0], Kind.NOTICES, 1, now) == 0
    assert quotas.take(agents[1], Kind.NOTICES, 1, now) == 1
