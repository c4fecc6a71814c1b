"""The wall clock is set: agents are polled as often as before, and no age is made up."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Account, Agent
from accounts.models.figures import fresh
from accounts.polling import poller
from tests.factories import make_account, make_agent, make_online_agent
from tests.polling.ticks import poll
from tests.scripted_fleet import ScriptedFleet, told
from tests.wall import HOUR, Wall

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
MINUTE = timedelta(minutes=1)


def polled(fleet: ScriptedFleet) -> int:
    """How many of them a tick of either queue asks."""
    return poller.poll_due(reachable=True) + poller.poll_due(reachable=False)


@pytest.mark.parametrize("by", [HOUR, MINUTE, timedelta(seconds=10), timedelta(days=400)])
def test_set_back_every_agent_is_due_at_once_and_then_as_before(
    fleet: ScriptedFleet, wall: Wall, by: timedelta
) -> None:
    fleet.make_agents(3)
    fleet.failing.add(3)
    for _ in range(3):  # the third backs off
        poll()
    wall.turn(-by)
    assert polled(fleet) == 3
    assert polled(fleet) == 0
    wall.turn(timedelta(seconds=13))
    assert polled(fleet) >= 2


def test_set_forward_and_back_again_every_agent_is_due_at_once(
    fleet: ScriptedFleet, wall: Wall
) -> None:
    fleet.make_agents(2)
    poll()
    for by in (HOUR, -HOUR):
        wall.turn(by)
        assert polled(fleet) == 2
        assert polled(fleet) == 0


def test_an_agent_that_was_enabled_or_added_before_is_due(wall: Wall) -> None:
    added = make_agent()
    now = timezone.now()
    enabled = make_agent(polled_at=now - timedelta(days=3), next_poll_at=now)
    wall.turn(-HOUR)
    assert set(Agent.objects.due(timezone.now())) == {added, enabled}


@pytest.mark.parametrize("interval_s", [2, 12, 60, 3600])
def test_no_agent_is_due_before_its_interval_has_passed(interval_s: int) -> None:
    now, interval = timezone.now(), timedelta(seconds=interval_s)
    agent = make_agent(polled_at=now, interval=interval, next_poll_at=now + interval)
    assert not Agent.objects.due(now + interval - timedelta(seconds=1)).exists()
    agent.save_changed(next_poll_at=now + poller.LEASE)
    assert not Agent.objects.due(now).exists()


def test_figures_from_before_it_was_set_back_are_of_no_known_age(
    fleet: ScriptedFleet, wall: Wall
) -> None:
    fleet.make_agents(1)
    poll()
    now = timezone.now() - HOUR
    assert Agent.objects.get().is_stale(now)
    assert not Account.objects.filter(fresh(now)).exists()
    wall.turn(-HOUR)
    fleet.replies[1] = told(1, balance=5.0)
    assert polled(fleet) == 1
    assert not Agent.objects.get().is_stale(timezone.now())
    assert Account.objects.filter(fresh(timezone.now())).exists()


def test_clocks_of_hosts_that_differ_by_seconds_make_nothing_stale() -> None:
    account = make_account(agent=make_online_agent())
    now = timezone.now() - timedelta(seconds=4)
    assert not account.is_stale(now)
    assert Account.objects.filter(fresh(now)).exists()
