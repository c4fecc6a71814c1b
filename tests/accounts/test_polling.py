"""Polling through real HTTP into real rows."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from accounts import polling, polls
from accounts.models import Account, Agent, Position
from accounts.recording import Recorder
from accounts.results import Result
from mt5monitor import loop
from tests.accounts.conftest import Published
from tests.accounts.fleet import ScriptedFleet, told, told_positions
from tests.valkey import PrivateValkey

pytestmark = pytest.mark.django_db


def make_due(*agents: Agent) -> None:
    rows = Agent.objects.filter(pk__in=[agent.pk for agent in agents]) if agents else Agent.objects
    rows.update(next_poll_at=timezone.now() - timedelta(seconds=1))


def poll() -> int:
    """A tick of both queues, everybody being due."""
    make_due()
    return polling.poll_due(reachable=True) + polling.poll_due(reachable=False)


def writes(queries: CaptureQueriesContext) -> list[str]:
    sql = [query["sql"] for query in queries]
    return [line for line in sql if re.search(r"^(\d+ times: )?(INSERT|UPDATE|DELETE)", line)]


def test_the_first_answer_makes_a_row_of_its_account(fleet: ScriptedFleet) -> None:
    fleet.make_agents(1)
    fleet.replies[1] = told(7001, balance=100250.55, has_open_position=True)
    fleet.positions[1] = told_positions(7001, 11, 12)
    assert poll() == 1
    account = Account.objects.get(number=7001)
    assert (account.balance, account.floating) == (Decimal("100250.55"), Decimal("20.00"))
    assert (account.holder, str(account.firm), str(account.phase)) == ("Ana Ruiz", "North", "F1")
    assert account.open_positions == 2
    assert set(account.positions.values_list("ticket", flat=True)) == {11, 12}
    assert Agent.objects.get().status == "online"


@pytest.mark.parametrize("count", [69, 1000])
def test_a_sweep_in_which_nothing_changed_is_one_update(
    fleet: ScriptedFleet, published: Published, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    # However long this machine takes, the sweep is confirmed once, at its end.
    monkeypatch.setattr(polling, "TOUCH_EVERY_S", 3600)
    fleet.make_agents(count)
    poll()
    assert Account.objects.count() == count
    before = Agent.objects.earliest("last_seen_at").last_seen_at
    make_due()
    published.__init__()  # type: ignore[misc]
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert polling.poll_due(reachable=True) == count
    claim, *rest = writes(queries)
    assert '"claim"' in claim
    assert len(rest) == 1, rest
    assert re.match(r'UPDATE "accounts_agent" SET "last_seen_at" = [^=]+ WHERE', rest[0])
    assert (published.numbers, published.added, published.agents) == ([], [], [])
    assert before is not None
    assert not Agent.objects.filter(last_seen_at__lte=before).exists()


def test_the_agents_own_last_updated_is_no_change(
    fleet: ScriptedFleet, published: Published
) -> None:
    fleet.make_agents(1)
    poll()
    fleet.replies[1] = told(1, last_updated="2026-01-05T10:00:59")
    published.__init__()  # type: ignore[misc]
    poll()
    assert published.numbers == []


def test_the_first_answer_already_says_how_soon_the_agent_is_wanted_again(
    fleet: ScriptedFleet,
) -> None:
    (agent,) = fleet.make_agents(1)
    fleet.replies[1] = told(1, has_open_position=True)
    fleet.positions[1] = told_positions(1, 11)
    poll()
    agent.refresh_from_db()
    assert agent.interval == timedelta(seconds=5)
    Account.objects.update(agent=None)
    Agent.objects.update(interval=timedelta(seconds=60))
    poll()
    agent.refresh_from_db()
    assert agent.interval == timedelta(seconds=5)


def test_only_the_columns_that_changed_are_written(fleet: ScriptedFleet) -> None:
    fleet.make_agents(3)
    poll()
    fleet.replies[2] = told(2, balance=99000.0)
    make_due()
    with CaptureQueriesContext(connection) as queries:
        polling.poll_due(reachable=True)
    updates = [line for line in writes(queries) if '"accounts_account"' in line]
    assert len(updates) == 1
    written = set(re.findall(r'"(\w+)" = ', updates[0].split(" SET ")[1].split(" WHERE ")[0]))
    assert written == {"balance", "changed_at", "equity"}
    assert Account.objects.get(number=2).balance == Decimal("99000.00")


def test_a_poll_leaves_what_people_wrote_alone(fleet: ScriptedFleet) -> None:
    fleet.make_agents(1)
    poll()
    Account.objects.update(holder="Edited", note="Mine", initial_balance=Decimal(50000))
    fleet.replies[1] = told(1, balance=98000.0, account_holder="Other", initial_balance=1.0)
    poll()
    account = Account.objects.get()
    assert (account.holder, account.note, account.initial_balance) == ("Edited", "Mine", 50000)
    assert account.balance == Decimal("98000.00")


def test_an_initial_balance_that_nobody_knows_is_unknown_and_taken_when_told(
    fleet: ScriptedFleet,
) -> None:
    fleet.make_agents(1)
    fleet.replies[1] = told(1, initial_balance=None, account_holder="Unknown", prop_firm="N/A")
    poll()
    account = Account.objects.get()
    assert (account.initial_balance, account.holder, account.firm) == (None, "", None)
    assert account.pl_now is None
    fleet.replies[1] = told(1, initial_balance=90000.0)
    poll()
    account.refresh_from_db()
    assert (account.initial_balance, account.holder) == (90000, "Ana Ruiz")


def test_positions_are_replaced_as_a_set(fleet: ScriptedFleet) -> None:
    fleet.make_agents(1)
    fleet.replies[1] = told(1, has_open_position=True)
    fleet.positions[1] = told_positions(1, 11, 12)
    poll()
    kept = Position.objects.get(ticket=12).pk
    fleet.positions[1] = told_positions(1, 12, 13, profit=-4.25)
    poll()
    assert set(Position.objects.values_list("ticket", flat=True)) == {12, 13}
    assert Position.objects.get(ticket=12).pk == kept
    assert Position.objects.get(ticket=12).profit == Decimal("-4.25")
    fleet.replies[1] = told(1)
    poll()
    assert not Position.objects.exists()


@pytest.mark.parametrize(
    "lie",
    [
        {"account_number": 0, "positions": [], "total_profit": 0, "position_count": 0},
        {"account_number": 1, "positions": [], "total_profit": 0, "position_count": 0},
        b"<html>gateway</html>",
        None,
    ],
    ids=["login 0", "empty beside has_open_position", "html", "404"],
)
def test_a_lying_positions_read_never_empties_the_positions(fleet: ScriptedFleet, lie: Any) -> None:
    fleet.make_agents(1)
    fleet.replies[1] = told(1, has_open_position=True)
    fleet.positions[1] = told_positions(1, 11)
    poll()
    fleet.positions[1] = lie
    poll()
    account = Account.objects.get()
    assert account.positions.count() == 1
    assert (account.open_positions, account.floating, account.equity) == (None, None, None)
    assert account.positions_error
    assert Agent.objects.get().status == "online"


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
    polling.poll_due(reachable=True)
    make_due()
    polling.poll_due(reachable=True)
    assert fleet.asked[1, "POST /refresh"] == 0
    agent.refresh_from_db()
    assert agent.next_poll_at <= timezone.now()
    before = fleet.asked[1, "GET /accounts"]
    polling.poll_due(reachable=False)
    assert fleet.asked[1, "POST /refresh"] == 1
    assert fleet.asked[1, "GET /accounts"] == before + 1
    poll()
    assert fleet.asked[1, "POST /refresh"] == 1
    Agent.objects.update(recovered_at=timezone.now() - timedelta(seconds=61))
    poll()
    assert fleet.asked[1, "POST /refresh"] == 2


def test_a_terminal_that_came_back_and_fell_again_is_not_reconnected_within_a_minute(
    fleet: ScriptedFleet,
) -> None:
    (agent,) = fleet.make_agents(1)
    for _ in range(2):
        fleet.failing.add(1)
        for _ in range(2):
            make_due()
            polling.poll_due(reachable=True)
        fleet.failing.clear()
        make_due()
        assert polling.poll_due(reachable=False) == 1
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
    assert polling.poll_due(reachable=True) == 0
    assert polling.poll_due(reachable=False) == 1
    agent = Agent.objects.get()
    assert (agent.status, agent.failures, agent.status_reason) == ("online", 0, "")
    assert agent.next_poll_at <= timezone.now() + agent.interval


def test_an_agent_that_hangs_does_not_hold_up_the_rows_of_the_others(
    fleet: ScriptedFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.make_agents(3)
    fleet.hanging[2] = threading.Event()
    written: list[int] = []
    record = polling.Recorder.record

    def recorded(recorder: Any, batch: Any) -> set[int]:
        changed = record(recorder, batch)
        written.append(Account.objects.count())
        if Account.objects.count() == 2:
            fleet.hanging[2].set()  # only now may it answer
        return changed

    monkeypatch.setattr(polling.Recorder, "record", recorded)
    poll()
    assert written[-2:] == [2, 3]


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_who_has_answered_is_polled_again_while_another_still_hangs(fleet: ScriptedFleet) -> None:
    agents = fleet.make_agents(3)
    fleet.hanging[2] = threading.Event()

    def tick() -> None:
        polling.poll_due(reachable=True)
        connection.close()

    first = threading.Thread(target=tick)
    first.start()
    wait_until(lambda: polling._in_flight == {agents[1].pk})
    make_due()
    second = threading.Thread(target=tick)
    second.start()
    wait_until(lambda: fleet.asked[1, "GET /accounts"] == 2)
    assert first.is_alive()
    assert fleet.asked[2, "GET /accounts"] == 1
    fleet.hanging[2].set()
    first.join()
    second.join()
    assert Account.objects.count() == 3


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_who_was_heard_is_confirmed_in_time_and_with_its_own_time_while_another_hangs(
    fleet: ScriptedFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "TOUCH_EVERY_S", 0.05)
    quick, _ = fleet.make_agents(2)
    poll()
    before = timezone.now()
    fleet.hanging[2] = threading.Event()
    make_due()

    def tick() -> None:
        polling.poll_due(reachable=True)
        connection.close()

    def heard_at() -> datetime:
        return Agent.objects.values_list("last_seen_at", flat=True).get(pk=quick.pk)

    sweep = threading.Thread(target=tick)
    sweep.start()
    wait_until(lambda: heard_at() > before)
    confirmed = heard_at()
    assert confirmed < timezone.now()
    assert sweep.is_alive()
    fleet.hanging[2].set()
    sweep.join()
    assert heard_at() == confirmed


def test_a_confirmation_never_says_later_than_heard_nor_takes_back_what_is_newer(
    fleet: ScriptedFleet,
) -> None:
    first, second = fleet.make_agents(2)
    poll()
    start = timezone.now() + timedelta(minutes=1)
    recorder = Recorder(touch_every_s=3600)
    for agent, seconds in ((first, 1), (second, 5)):
        at = start + timedelta(seconds=seconds)
        recorder.record([Result(agent.pk, agent.url, at, at, 0.0)])
    newer = start + timedelta(seconds=3)
    Agent.objects.filter(pk=second.pk).update(last_seen_at=newer)
    recorder.close()
    seen = dict(Agent.objects.values_list("pk", "last_seen_at"))
    assert seen == {first.pk: start + timedelta(seconds=1), second.pk: newer}


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
@pytest.mark.parametrize(
    ("reachable", "limit"), [(True, {"POLL_BATCH": 2}), (False, {"AGENTS": "MAX_CONCURRENCY"})]
)
def test_no_more_agents_are_taken_on_than_can_be_under_way(
    fleet: ScriptedFleet, settings: Settings, reachable: bool, limit: dict[str, Any]
) -> None:
    fleet.make_agents(5, failures=0 if reachable else 9, recovered_at=timezone.now())
    for name, value in limit.items():
        setattr(settings, name, settings.AGENTS | {value: 2} if name == "AGENTS" else value)
    fleet.hanging = {index: threading.Event() for index in range(1, 6)}

    def tick() -> None:
        polling.poll_due(reachable=reachable)
        connection.close()

    first = threading.Thread(target=tick)
    first.start()
    wait_until(lambda: len(polling._in_flight) == 2)
    assert polling.poll_due(reachable=reachable) == 0
    assert Agent.objects.filter(claim=None).count() == 3
    for event in fleet.hanging.values():
        event.set()
    first.join()
    assert polling.poll_due(reachable=reachable) == 2


def wait_until(holds: Callable[[], bool], seconds: float = 8) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to hold"
        time.sleep(0.005)


def test_a_reply_older_than_the_row_is_dropped(fleet: ScriptedFleet) -> None:
    (agent,) = fleet.make_agents(1)
    poll()
    fleet.replies[1] = told(1, balance=1.0)
    Agent.objects.update(last_seen_at=timezone.now() + timedelta(seconds=4))
    make_due()
    polling.poll_due(reachable=True)
    assert Account.objects.get().balance == 100000


def test_after_the_clock_was_set_back_polling_goes_on(fleet: ScriptedFleet) -> None:
    fleet.make_agents(1)
    poll()
    fleet.replies[1] = told(1, balance=5.0)
    later = timezone.now() + timedelta(hours=1)
    Agent.objects.update(polled_at=later, last_seen_at=later, next_poll_at=later)
    assert polling.poll_due(reachable=True) == 1
    assert Account.objects.get().balance == 5
    agent = Agent.objects.get()
    assert agent.last_seen_at is not None
    assert agent.last_seen_at <= timezone.now()
    assert agent.next_poll_at < timezone.now() + agent.interval
    assert polling.poll_due(reachable=True) == 0


def test_after_the_clock_was_set_back_an_unchanged_agent_is_confirmed(
    fleet: ScriptedFleet,
) -> None:
    fleet.make_agents(1)
    poll()
    later = timezone.now() + timedelta(hours=1)
    Agent.objects.update(polled_at=later, last_seen_at=later, next_poll_at=later)
    assert polling.poll_due(reachable=True) == 1
    agent = Agent.objects.get()
    assert agent.last_seen_at is not None
    assert agent.last_seen_at <= timezone.now()


def test_one_reply_that_the_database_refuses_does_not_cost_the_others_theirs(
    fleet: ScriptedFleet, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fleet.make_agents(3)
    poll()
    update = polling.Recorder._record

    def refuse(recorder: Any, batch: Any) -> set[int]:
        if any(r.reading and r.reading.accounts[0].number == 2 for r in batch):
            raise OverflowError("too large for the column")
        return update(recorder, batch)

    monkeypatch.setattr(polling.Recorder, "_record", refuse)
    fleet.replies = {index: told(index, balance=5.0) for index in (1, 2, 3)}
    poll()
    assert dict(Account.objects.values_list("number", "balance")) == {1: 5, 2: 100000, 3: 5}
    assert Agent.objects.get(name="vps-0002").status_code == "unwritable"
    assert "could not be written" in caplog.text


def test_an_agent_deleted_while_it_is_asked_leaves_no_trace(fleet: ScriptedFleet) -> None:
    (agent,) = fleet.make_agents(1)
    endpoint = agent.endpoint()
    agent.delete()
    agent.pk = endpoint.id
    outcomes = list(polling.refresh([agent]))
    assert [outcome.ok for outcome in outcomes] == [True]
    assert not Account.objects.exists()


@pytest.fixture
def one_slot(settings: Settings) -> Iterator[None]:
    """A client with a slot for one call, which waits for none."""
    settings.AGENTS = settings.AGENTS | {"MAX_CONCURRENCY": 1, "POOL_TIMEOUT": 0.0}
    loop.stop()
    yield
    loop.stop()


@pytest.mark.usefixtures("one_slot")
def test_in_a_burst_of_polls_each_waits_its_turn(fleet: ScriptedFleet) -> None:
    fleet.make_agents(20)
    fleet.failing.add(7)
    assert poll() == 20
    assert Agent.objects.filter(status="online").count() == 19
    assert Agent.objects.get(name="vps-0007").status_code == "refused-request"
    outcomes = list(polling.refresh(Agent.objects.all()))
    assert [outcome.agent_name for outcome in outcomes if not outcome.ok] == ["vps-0007"]
    assert fleet.asked[7, "POST /refresh"] == 1


def test_the_answer_of_an_address_that_the_agent_has_left_is_dropped(fleet: ScriptedFleet) -> None:
    (asked,) = fleet.make_agents(1)
    poll()
    moved = Agent.objects.get()
    moved.move_to("http://127.0.0.1:9")
    moved.save(update_fields=["url", "etag", "secret_encrypted"])
    fleet.replies[1] = told(1, balance=5.0)
    list(polling.refresh([asked]))
    assert Account.objects.get().balance == 100000


def test_an_account_that_was_deleted_here_is_asked_for_anew(fleet: ScriptedFleet) -> None:
    (agent,) = fleet.make_agents(1)
    poll()
    Agent.objects.update(etag='"v7"')
    at = timezone.now()
    nothing_changed = Result(agent.pk, agent.url, at, at, 0.0)
    Recorder(touch_every_s=3600).record([nothing_changed])
    assert Agent.objects.get().etag == '"v7"'
    Account.objects.all().delete()
    Recorder(touch_every_s=3600).record([nothing_changed])
    assert Agent.objects.get().etag == ""


def test_disabled_agents_are_not_polled(fleet: ScriptedFleet) -> None:
    fleet.make_agents(1, enabled=False)
    assert poll() == 0


def test_a_refresh_reconnects_an_agent_whose_reading_fails_and_tells_the_outcome(
    fleet: ScriptedFleet,
) -> None:
    agents = fleet.make_agents(2)
    fleet.failing.add(2)
    outcomes = {outcome.agent_name: outcome for outcome in polling.refresh(agents)}
    assert outcomes["vps-0001"].ok
    assert outcomes["vps-0001"].changed
    assert not outcomes["vps-0002"].ok
    assert outcomes["vps-0002"].code == "refused-request"
    assert fleet.asked[2, "POST /refresh"] == 1


def test_recent_polls_are_remembered_newest_first(
    fleet: ScriptedFleet, valkey: PrivateValkey
) -> None:
    (agent,) = fleet.make_agents(1)
    poll()
    fleet.failing.add(1)
    poll()
    assert [poll.code for poll in polls.recent(agent.pk)] == ["refused-request", ""]
    assert polls.latest([agent.pk, 10_000])[agent.pk].code == "refused-request"
    assert polls.pools()[0]["requests"] >= 2


def test_all_that_polls_leave_in_valkey_goes_by_itself(
    fleet: ScriptedFleet, valkey: PrivateValkey
) -> None:
    fleet.make_agents(2)
    poll()
    connection = polls._connection()
    left = {key: connection.ttl(key) for key in connection.scan_iter("*")}
    assert len(left) == 3
    assert min(left.values()) > 0, (
        "a process that ends, or an agent that is deleted, leaves nothing"
    )


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_two_pollers_at_once_ask_each_agent_once(fleet: ScriptedFleet) -> None:
    fleet.make_agents(40)
    claimed: list[int] = []
    barrier = threading.Barrier(4)

    def tick() -> None:
        barrier.wait()
        claimed.extend(agent.pk for agent in polling.claim(timezone.now(), reachable=True))
        connection.close()

    run_at_once(tick, 4)
    assert len(claimed) == 40
    assert len(set(claimed)) == 40


def run_at_once(function: Callable[[], None], count: int) -> None:
    threads = [threading.Thread(target=function) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
