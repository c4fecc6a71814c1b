"""Polls that fail: named, backed off, reconnected, and over."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Account, Agent
from accounts.polling import poller
from tests.polling.ticks import make_due, poll
from tests.scripted_fleet import ScriptedFleet, told

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def test_a_failure_is_named_and_its_since_does_not_move(fleet: ScriptedFleet) -> None:
    fleet.make_agents(1)
    poll()
    fleet.replies[1] = b"<html>"
    poll()
    first = Agent.objects.get()
    assert (first.status, first.status_code, first.failures) == ("error", "not-json", 1)
    assert first.status_reason
    poll()
    second = Agent.objects.get()
    assert second.status_since == first.status_since
    assert second.failures > first.failures
    assert Account.objects.get().balance == 100000


def test_a_refused_connection_is_offline_and_a_disconnected_terminal_says_so(
    fleet: ScriptedFleet,
) -> None:
    fleet.make_agents(2)
    Agent.objects.filter(name="vps-0001").update(url="http://127.0.0.1:1")
    fleet.replies[2] = told(0, balance=0.0, status="disconnected")
    poll()
    assert list(Agent.objects.values_list("status", flat=True)) == ["offline", "disconnected"]
    assert not Account.objects.exists()


def test_after_two_failures_the_agent_is_asked_to_reconnect_once_a_minute(
    fleet: ScriptedFleet,
) -> None:
    (agent,) = fleet.make_agents(1)
    poll()
    fleet.failing.add(1)
    make_due()
    poller.poll_due(reachable=True)
    make_due()
    poller.poll_due(reachable=True)
    assert fleet.asked[1, "POST /refresh"] == 0
    agent.refresh_from_db()
    assert agent.next_poll_at <= timezone.now()
    before = fleet.asked[1, "GET /accounts"]
    poller.poll_due(reachable=False)
    assert fleet.asked[1, "POST /refresh"] == 1
    assert fleet.asked[1, "GET /accounts"] == before + 1
    poll()
    assert fleet.asked[1, "POST /refresh"] == 1
    Agent.objects.update(recovered_at=timezone.now() - timedelta(seconds=61))
    poll()
    assert fleet.asked[1, "POST /refresh"] == 2


def test_a_terminal_that_fails_again_is_not_reconnected_within_a_minute(
    fleet: ScriptedFleet,
) -> None:
    (agent,) = fleet.make_agents(1)
    for _ in range(2):
        fleet.failing.add(1)
        for _ in range(2):
            make_due()
            poller.poll_due(reachable=True)
        fleet.failing.clear()
        make_due()
        assert poller.poll_due(reachable=False) == 1
        agent.refresh_from_db()
        assert agent.status == "online"
    assert fleet.asked[1, "POST /refresh"] == 1


def test_an_agent_that_is_back_is_polled_by_the_quick_queue_again(fleet: ScriptedFleet) -> None:
    fleet.make_agents(1)
    fleet.failing.add(1)
    for _ in range(4):
        poll()
    assert Agent.objects.unreachable().count() == 1
    fleet.failing.clear()
    make_due()
    assert poller.poll_due(reachable=True) == 0
    assert poller.poll_due(reachable=False) == 1
    agent = Agent.objects.get()
    assert (agent.status, agent.failures, agent.status_reason) == ("online", 0, "")
    assert agent.next_poll_at <= timezone.now() + agent.interval


def test_after_the_clock_was_set_back_polling_goes_on(fleet: ScriptedFleet) -> None:
    fleet.make_agents(1)
    poll()
    fleet.replies[1] = told(1, balance=5.0)
    later = timezone.now() + timedelta(hours=1)
    Agent.objects.update(polled_at=later, last_seen_at=later, next_poll_at=later)
    assert poller.poll_due(reachable=True) == 1
    assert Account.objects.get().balance == 5
    agent = Agent.objects.get()
    assert agent.last_seen_at is not None
    assert agent.last_seen_at <= timezone.now()
    assert agent.next_poll_at < timezone.now() + agent.interval
    assert poller.poll_due(reachable=True) == 0


def test_after_the_clock_was_set_back_an_unchanged_agent_is_confirmed(
    fleet: ScriptedFleet,
) -> None:
    fleet.make_agents(1)
    poll()
    later = timezone.now() + timedelta(hours=1)
    Agent.objects.update(polled_at=later, last_seen_at=later, next_poll_at=later)
    assert poller.poll_due(reachable=True) == 1
    agent = Agent.objects.get()
    assert agent.last_seen_at is not None
    assert agent.last_seen_at <= timezone.now()


def test_a_refresh_reconnects_an_agent_that_fails_and_returns_the_outcome(
    fleet: ScriptedFleet,
) -> None:
    agents = fleet.make_agents(2)
    fleet.failing.add(2)
    outcomes = {outcome.agent_name: outcome for outcome in poller.refresh(agents)}
    assert outcomes["vps-0001"].ok
    assert outcomes["vps-0001"].changed
    assert not outcomes["vps-0002"].ok
    assert outcomes["vps-0002"].code == "refused-request"
    assert fleet.asked[2, "POST /refresh"] == 1
