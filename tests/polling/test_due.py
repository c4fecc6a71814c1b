"""When agents are asked: each at its own time, and as far apart as they are."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Agent
from accounts.polling import poller
from tests.scripted_fleet import ScriptedFleet

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def due_in(agent: Agent, seconds: float) -> None:
    Agent.objects.filter(pk=agent.pk).update(
        next_poll_at=timezone.now() + timedelta(seconds=seconds)
    )


def test_a_tick_asks_who_is_due_before_the_next_one_but_not_before_they_are(
    fleet: ScriptedFleet,
) -> None:
    now, soon, later = fleet.make_agents(3)
    due_in(soon, 0.5)
    due_in(later, 1.5)
    due = Agent.objects.get(pk=soon.pk).next_poll_at
    assert poller.poll_due(reachable=True) == 2
    agents = {agent.pk: agent for agent in Agent.objects.all()}
    assert agents[now.pk].last_seen_at is not None
    seen = agents[soon.pk].last_seen_at
    assert seen is not None
    assert seen >= due
    assert agents[later.pk].last_seen_at is None


def test_agents_stay_as_far_apart_as_they_are(fleet: ScriptedFleet) -> None:
    agents = fleet.make_agents(3)
    poller.poll_due(reachable=True)
    for index, agent in enumerate(agents):
        due_in(agent, 0.1 * index)
    before = list(Agent.objects.order_by("pk").values_list("next_poll_at", flat=True))
    poller.poll_due(reachable=True)
    after = list(Agent.objects.order_by("pk").values_list("next_poll_at", flat=True))
    assert after[2] - after[1] == before[2] - before[1]


def test_one_that_is_late_is_asked_at_once_and_counts_from_now(fleet: ScriptedFleet) -> None:
    (agent,) = fleet.make_agents(1)
    poller.poll_due(reachable=True)
    due_in(agent, -100)
    begun = timezone.now()
    poller.poll_due(reachable=True)
    agent.refresh_from_db()
    assert begun + agent.interval <= agent.next_poll_at <= timezone.now() + agent.interval
