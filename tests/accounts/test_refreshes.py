"""Asking for a refresh again and again loads no agent."""

import threading

import pytest

from accounts import polling
from accounts.models import Agent
from tests.accounts.fleet import ScriptedFleet

pytestmark = pytest.mark.django_db


def test_an_agent_that_is_being_read_for_somebody_is_not_asked_again(fleet: ScriptedFleet) -> None:
    slow, quick = fleet.make_agents(2)
    fleet.hanging[1] = threading.Event()
    first = polling.refresh([slow, quick])
    assert next(first).agent_id == quick.pk
    again = {outcome.agent_id: outcome for outcome in polling.refresh([slow, quick])}
    assert (again[slow.pk].code, again[quick.pk].code) == ("being-read", "")
    fleet.hanging[1].set()
    assert [outcome.agent_id for outcome in first] == [slow.pk]
    assert fleet.asked[1, "GET /accounts"] == 1
    assert [outcome.ok for outcome in polling.refresh([slow])] == [True]


def test_asking_again_does_not_make_a_terminal_reconnect_again(fleet: ScriptedFleet) -> None:
    (agent,) = fleet.make_agents(1)
    fleet.failing.add(1)
    for _ in range(3):
        outcomes = list(polling.refresh(Agent.objects.all()))
        assert [outcome.code for outcome in outcomes] == ["refused-request"]
    assert fleet.asked[1, "POST /refresh"] == 1
