"""Rows that another session keeps locked cost their own agents a poll, and no others anything."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Account, Agent
from accounts.polling import poller
from mt5monitor.postgres import Limits
from tests.locks import holding, limited
from tests.polling.ticks import make_due, poll
from tests.scripted_fleet import ScriptedFleet, told

pytestmark = [
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
    pytest.mark.usefixtures("valkey"),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="has one writer at a time"),
    pytest.mark.both_databases,
]


@pytest.fixture(autouse=True)
def _short_waits() -> Iterator[None]:
    with limited(Limits(lock=0.1)):
        yield


@pytest.fixture
def agents(fleet: ScriptedFleet) -> list[Agent]:
    agents = fleet.make_agents(3)
    poll()
    return agents


def change_all(fleet: ScriptedFleet) -> None:
    fleet.replies = {n: told(n, balance=5.0) for n in (1, 2, 3)}


def balances() -> list[int]:
    return [int(account.balance or 0) for account in Account.objects.order_by("number")]


def read_all() -> list[bool]:
    """As a refresh on demand does: all of them, whatever is locked."""
    outcomes = poller.refresh(list(Agent.objects.order_by("pk")), fresh=True)
    return [outcome.changed for outcome in sorted(outcomes, key=lambda one: one.agent_id)]


@pytest.mark.parametrize("model", [Agent, Account])
def test_the_replies_of_other_agents_are_written(
    fleet: ScriptedFleet, agents: list[Agent], model: type[Agent | Account]
) -> None:
    change_all(fleet)
    rows = Agent.objects.filter(pk=agents[0].pk)
    if model is Account:
        rows = Account.objects.filter(agent=agents[0])
    with holding(rows):
        read_all()
        assert balances() == [100_000, 5, 5]
    read_all()
    assert balances() == [5, 5, 5]


def test_a_locked_agent_is_not_said_to_have_told_what_the_database_refuses(
    fleet: ScriptedFleet, agents: list[Agent], caplog: pytest.LogCaptureFixture
) -> None:
    change_all(fleet)
    with holding(Agent.objects.filter(pk=agents[0].pk)):
        read_all()
    assert list(Agent.objects.values_list("status", flat=True)) == ["online"] * 3
    assert f"Rows of 1 agents are locked by another session: [{agents[0].pk}]" in caplog.text
    assert "lock timeout" in caplog.text


def test_other_agents_with_nothing_new_are_confirmed(
    fleet: ScriptedFleet, agents: list[Agent]
) -> None:
    long_ago = timezone.now() - timedelta(hours=1)
    Agent.objects.update(last_seen_at=long_ago)
    with holding(Agent.objects.filter(pk=agents[0].pk)):
        read_all()
        heard = Agent.objects.filter(last_seen_at__gt=long_ago).order_by("pk")
        assert list(heard) == agents[1:]


def test_a_tick_leaves_locked_agents_to_a_later_one(
    fleet: ScriptedFleet, agents: list[Agent]
) -> None:
    make_due()
    with holding(Agent.objects.filter(pk=agents[0].pk)):
        assert poller.poll_due(reachable=True) == 2
    assert poller.poll_due(reachable=True) == 1
