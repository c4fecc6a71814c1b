"""poll_agents: one tick of both queues, without a worker."""

import io
import re
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Account, Agent
from tests.factories import make_agent
from tests.scripted_fleet import ScriptedFleet

pytestmark = [
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
    pytest.mark.both_databases,
]


def test_one_tick_polls_those_that_are_due_and_says_how_many(settings: Settings) -> None:
    settings.RECOVERY_RETRY_S = 0.01
    with ScriptedFleet() as fleet:
        fleet.make_agents(3)
        Agent.objects.filter(name="vps-0003").update(failures=5)
        make_agent(next_poll_at=timezone.now() + timedelta(minutes=1))
        out = io.StringIO()
        call_command("poll_agents", "--once", stdout=out)

    assert out.getvalue() == "Polled 2 reachable and 1 unreachable agents.\n"
    assert Account.objects.count() == 3


def test_once_says_when_the_next_one_is_due_where_none_is() -> None:
    out = io.StringIO()
    call_command("poll_agents", "--once", stdout=out)
    assert out.getvalue().endswith("No agent is enabled.\n")
    make_agent(next_poll_at=timezone.now() + timedelta(seconds=90))
    call_command("poll_agents", "--once", stdout=out)
    assert re.search(r"None was due; the next one is in \d+ s\. refresh_accounts", out.getvalue())


def test_it_goes_on_every_second_until_it_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks: list[float] = []

    def stopped_at_the_third(seconds: float) -> None:
        ticks.append(seconds)
        if len(ticks) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("accounts.management.commands.poll_agents.time.sleep", stopped_at_the_third)
    out = io.StringIO()
    call_command("poll_agents", stdout=out)
    assert out.getvalue().count("Polled 0") == 3
    assert ticks == [1.0] * 3
