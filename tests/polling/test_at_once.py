"""The web process and the worker write readings of the same agent at once: no row is inserted
twice, and a reading never undoes one that is newer."""

import dataclasses
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from msgspec.structs import replace

from accounts import conflicts
from accounts.agents import AgentError
from accounts.agents.readings import AccountReading, PositionReading, Reading
from accounts.models import Account, Agent, Conflict, Position
from accounts.polling import recorder
from accounts.polling.plan import Plan
from accounts.polling.poll_result import Result
from accounts.polling.recorder import Recorder
from tests.factories import make_agent, make_phase, make_position
from tests.threads import at_once

ROUNDS = 15
Planned = Callable[[Sequence[Result]], Plan]

pytestmark = [
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
    pytest.mark.both_databases,
]


@pytest.fixture(autouse=True)
def _phase() -> None:
    make_phase("F1")


def reading(number: int, tickets: Iterable[int], balance: int = 100, sl: str | None = None) -> Any:
    positions = tuple(position(ticket, sl and Decimal(sl)) for ticket in tickets)
    account = AccountReading(
        number=number,
        name="Main",
        balance=Decimal(balance),
        connected=True,
        has_open_position=bool(positions),
        positions=positions,
    )
    return Reading((account,), is_list=False)


def position(ticket: int, sl: Any) -> PositionReading:
    return PositionReading(
        ticket=ticket, symbol="EURUSD", side="BUY", volume=Decimal("0.1"),
        open_price=Decimal("1.1"), current_price=Decimal("1.1"), sl=sl, tp=None,
        profit=Decimal("1.00"), swap=Decimal("0.00"), commission=None, opened_at=None,
        comment="", magic=None,
    )  # fmt: skip


def result(agent: Agent, what: Reading | AgentError | None, begun: datetime) -> Result:
    told: dict[str, Any] = {"error" if isinstance(what, AgentError) else "reading": what}
    return Result(agent.pk, agent.url, begun, begun + timedelta(seconds=2), 0.0, **told)


def record(*results: Result) -> None:
    recorder = Recorder(touch_every_s=3600)
    recorder.record(results)
    recorder.close()


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Has something done once between the look at the rows and the writing of them."""
    plan: Planned = recorder._plan

    def between(act: Callable[[], None]) -> None:
        def planned(batch: Sequence[Result]) -> Plan:
            made = plan(batch)
            monkeypatch.setattr(recorder, "_plan", plan)
            act()
            return made

        monkeypatch.setattr(recorder, "_plan", planned)

    return between


Meanwhile = Callable[[Callable[[], None]], None]


def test_the_same_reading_written_by_two_at_once_is_written_once_and_quietly(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    agent = make_agent()
    start = timezone.now() - timedelta(hours=1)
    record(result(agent, reading(7, []), start))
    plan: Planned = recorder._plan
    for ticket in range(1, ROUNDS + 1):
        looked = threading.Barrier(2)
        first = threading.local()

        def planned(batch: Sequence[Result], looked: Any = looked, first: Any = first) -> Plan:
            made = plan(batch)
            if not hasattr(first, "over"):
                first.over = True
                looked.wait(20)  # both have seen that there is no such row
            return made

        monkeypatch.setattr(recorder, "_plan", planned)
        begun = start + timedelta(seconds=10 * ticket)
        told = result(agent, reading(7, range(1, ticket + 1)), begun)
        at_once(lambda _, told=told: record(told), 2)  # type: ignore[misc]
        assert Position.objects.count() == ticket
    assert Account.objects.get().open_positions == ROUNDS
    assert "could not be written" not in caplog.text


@pytest.mark.parametrize("newer_first", [True, False], ids=["newer first", "older first"])
def test_a_slow_older_reading_does_not_undo_a_newer_one(
    meanwhile: Meanwhile, newer_first: bool
) -> None:
    agent = make_agent()
    start = timezone.now() - timedelta(minutes=1)
    record(result(agent, reading(7, [1]), start))
    older = result(agent, reading(7, [1, 3], balance=150), start + timedelta(seconds=10))
    newer = result(agent, reading(7, [2], 200, sl="1.05"), start + timedelta(seconds=13))
    one, other = (older, newer) if newer_first else (newer, older)
    meanwhile(lambda: record(other))
    record(one)
    assert Account.objects.get().balance == 200
    assert list(Position.objects.values_list("ticket", "sl")) == [(2, Decimal("1.05"))]
    assert Agent.objects.get().last_seen_at == newer.finished_at


def test_an_older_reading_cannot_come_between_a_newer_one_and_its_confirmation() -> None:
    agent = make_agent()
    start = timezone.now() - timedelta(minutes=1)
    record(result(agent, reading(7, [1]), start))
    newer = Recorder(touch_every_s=3600)
    newer.record([result(agent, reading(7, [2]), start + timedelta(seconds=13))])
    record(result(agent, reading(7, [1]), start + timedelta(seconds=10)))
    newer.close()
    assert list(Position.objects.values_list("ticket", flat=True)) == [2]


def test_unchanged_since_an_older_state_does_not_confirm_a_newer_one() -> None:
    """A stop is moved and moved back: the second time, the agent is as it was before the first."""
    agent = make_agent()
    start = timezone.now() - timedelta(minutes=1)
    for n, (etag, sl) in enumerate([('"a"', "1.05"), ('"b"', "1.06")]):
        told = replace(reading(7, [1], sl=sl), etag=etag)
        record(result(agent, told, start + timedelta(seconds=10 * n)))
    stale = result(agent, None, start + timedelta(seconds=30))
    record(dataclasses.replace(stale, etag='"a"'))
    seen_at = Agent.objects.get().last_seen_at
    assert seen_at is not None
    assert seen_at < stale.started_at
    record(dataclasses.replace(stale, etag='"b"'))
    assert Agent.objects.get().last_seen_at == stale.finished_at


def test_an_older_failure_does_not_take_a_newer_answer_for_lost(meanwhile: Meanwhile) -> None:
    agent = make_agent()
    start = timezone.now() - timedelta(minutes=1)
    record(result(agent, reading(7, [1]), start))
    meanwhile(lambda: record(result(agent, reading(7, [1, 2]), start + timedelta(seconds=13))))
    record(result(agent, AgentError("no answer"), start + timedelta(seconds=10)))
    assert Agent.objects.get().status == "online"


def test_two_agents_that_report_a_new_account_at_once_are_in_conflict(
    meanwhile: Meanwhile, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = make_agent(), make_agent()
    now = timezone.now()
    meanwhile(lambda: record(result(first, reading(7, [1]), now)))
    record(result(second, reading(7, [1]), now))
    assert Account.objects.get().agent == first
    assert list(Conflict.objects.values_list("agent", "kind")) == [(second.pk, "two-agents")]
    assert Position.objects.count() == 1
    assert "could not be written" not in caplog.text


def test_an_account_reassigned_meanwhile_is_not_written_for_its_old_agent(
    meanwhile: Meanwhile,
) -> None:
    first, second = make_agent(), make_agent()
    start = timezone.now() - timedelta(minutes=1)
    record(result(first, reading(7, [1]), start))
    record(result(second, reading(7, [1]), start))
    conflict = Conflict.objects.get()
    meanwhile(lambda: conflicts.settle_for(conflict) and None)
    record(result(first, reading(7, [1, 2], balance=5), start + timedelta(seconds=10)))
    account = Account.objects.get()
    assert (account.agent, account.balance) == (second, 100)


def test_an_account_deleted_meanwhile_is_added_again(
    meanwhile: Meanwhile, caplog: pytest.LogCaptureFixture
) -> None:
    agent = make_agent()
    start = timezone.now() - timedelta(minutes=1)
    record(result(agent, reading(7, []), start))
    meanwhile(lambda: Account.objects.all().delete() and None)
    record(result(agent, reading(7, [1]), start + timedelta(seconds=10)))
    assert Account.objects.get().positions.count() == 1
    assert "could not be written" not in caplog.text


def test_a_row_that_another_process_inserts_gets_the_figures_of_the_reading(
    meanwhile: Meanwhile,
) -> None:
    agent = make_agent()
    start = timezone.now() - timedelta(minutes=1)
    record(result(agent, reading(7, []), start))

    def insert() -> None:
        make_position(Account.objects.get(), ticket=1, symbol="XAUUSD", side="SELL")

    meanwhile(insert)
    record(result(agent, reading(7, [1]), start + timedelta(seconds=10)))
    assert list(Position.objects.values_list("symbol", "side")) == [("EURUSD", "BUY")]


@pytest.mark.parametrize("order", [1, -1])
def test_an_account_moves_from_a_disabled_agent_of_the_same_batch(order: int) -> None:
    """It went to the new agent's terminal while the old one, being switched off, was asked."""
    old, new = make_agent(), make_agent()
    start = timezone.now() - timedelta(minutes=1)
    record(result(old, reading(7, [1]), start))
    Agent.objects.filter(pk=old.pk).update(enabled=False)
    later = start + timedelta(seconds=10)
    batch = [result(new, reading(7, [1], balance=5), later), result(old, reading(8, []), later)]
    record(*batch[::order])
    account = Account.objects.get()
    assert (account.agent, account.balance, account.connected) == (new, 5, True)
