"""What a button of a form does besides saving holds no row of the database meanwhile."""

from collections.abc import Sequence

import pytest
from django.db import connection
from django.test import Client

from accounts.admin import connection as connections
from accounts.models import Agent
from tests.admin.test_agents import save
from tests.factories import make_agent

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def test_an_agent_is_tested_after_its_row_was_committed(
    boss: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent, outside = make_agent(name="vps"), len(connection.savepoint_ids)
    seen: list[int] = []

    def tested(agents: Sequence[Agent]) -> list[connections.Tested]:
        seen.append(len(connection.savepoint_ids))
        return [connections.Tested(agents[0], "It answered.")]

    monkeypatch.setattr("accounts.admin.agent_actions.try_connections", tested)
    save(boss, agent, display_name="One", accounts_agent_save_and_test="1")
    assert seen == [outside]
    assert Agent.objects.get().display_name == "One"
