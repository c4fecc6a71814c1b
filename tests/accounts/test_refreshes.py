"""Asking for a refresh again and again loads no agent."""

import threading

import pytest
from django.test import Client

from accounts import polling
from accounts.models import Agent
from tests.accounts.fleet import ScriptedFleet
from tests.factories import make_user

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


def test_an_agent_that_was_switched_off_is_not_asked_by_whoever_may_only_look(
    fleet: ScriptedFleet,
) -> None:
    (agent,) = fleet.make_agents(1, enabled=False)
    client = Client()
    client.force_login(make_user("accounts.view_agent"))
    said = client.post(f"/agents/{agent.pk}/refresh/", headers={"HX-Request": "true"})
    assert "is not enabled" in said.headers["HX-Trigger"]
    assert not fleet.asked


def test_asking_again_does_not_make_a_terminal_reconnect_again(fleet: ScriptedFleet) -> None:
    (agent,) = fleet.make_agents(1)
    fleet.failing.add(1)
    for _ in range(3):
        outcomes = list(polling.refresh(Agent.objects.all()))
        assert [outcome.code for outcome in outcomes] == ["refused-request"]
    assert fleet.asked[1, "POST /refresh"] == 1
