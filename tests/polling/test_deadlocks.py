"""Ticks, batches and people write the same rows at once: each waits its turn, nobody is thrown out.

PostgreSQL ends one of two transactions that wait for each other; SQLite has one writer at a time.
"""

import random
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts import edits
from accounts.agents import AgentError
from accounts.models import Account, Agent
from accounts.polling import poller
from accounts.polling.plan import Plan
from accounts.polling.poll_result import Result
from accounts.polling.recorder import Recorder
from accounts.polling.snapshot import Snapshot
from tests.factories import make_phase

AGENTS, ROUNDS = 300, 10

pytestmark = [
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="has one writer at a time"),
    pytest.mark.both_databases,
]


@pytest.fixture(autouse=True)
def _silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.edits.publish_accounts", lambda numbers: None)


@pytest.fixture
def agents() -> list[Agent]:
    make_phase("F1")
    make_phase("R")
    long_ago = timezone.now() - timedelta(hours=1)
    agents = Agent.objects.bulk_create(
        Agent(name=f"a{n}", url=f"http://10.0.0.1/{n}", status="online", last_seen_at=long_ago)
        for n in range(AGENTS)
    )
    Account.objects.bulk_create(
        Account(number=n, agent=agent) for n, agent in enumerate(agents, start=1)
    )
    return agents


def failed(agent: Agent) -> Result:
    now = timezone.now()
    error = AgentError("no answer")
    return Result(agent.pk, agent.url, now, now, 0.0, error=error)


def test_whoever_writes_many_rows_at_once_is_not_thrown_out_for_another(
    agents: list[Agent],
) -> None:
    phases = [make_phase("F1"), make_phase("R")]

    def claim() -> None:
        poller.claim(timezone.now() + timedelta(days=random.randrange(1, 999)), reachable=True)

    def confirm() -> None:
        recorder = Recorder(touch_every_s=3600)
        now = timezone.now()
        recorder._touched = {agent.pk: now for agent in some(200)}
        recorder.close()

    def write() -> None:
        results = [failed(agent) for agent in some(100)]
        plan = Plan(Snapshot.of(results), timezone.now())
        for result in results:
            plan.add(result)
        for account in Account.objects.filter(agent__in=[r.agent_id for r in results]):
            plan.writes.accounts[account.pk] = {"connected": True}
            plan.writes.owners[account.pk] = account.agent_id
        with transaction.atomic():
            plan.writes.hold()
            plan.writes.write()

    def edit() -> None:
        accounts = list(Account.objects.filter(agent__in=[agent.pk for agent in some(100)]))
        random.shuffle(accounts)
        edits.set_phase(accounts, random.choice(phases))

    def some(count: int) -> list[Agent]:
        return random.sample(agents, count)

    assert thrown_out([claim, confirm, write, edit] * 2) == []


def thrown_out(work: list[Callable[[], None]]) -> list[str]:
    errors: list[str] = []

    def run(do: Callable[[], None]) -> None:
        for _ in range(ROUNDS):
            try:
                do()
            except DatabaseError as error:
                errors.append(f"{do.__name__}: {error}")
                break
        connection.close()

    threads = [threading.Thread(target=run, args=[do]) for do in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors
