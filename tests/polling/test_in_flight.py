"""Polls under way: no agent waits for another, none is asked twice."""

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Account, Agent
from accounts.polling import poller
from accounts.polling.poll_result import Result
from accounts.polling.recorder import Recorder
from mt5monitor import loop
from tests.polling.ticks import make_due, poll, run_at_once, wait_until
from tests.scripted_fleet import ScriptedFleet, told

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def test_an_agent_that_hangs_does_not_hold_up_the_rows_of_the_others(
    fleet: ScriptedFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.make_agents(3)
    fleet.hanging[2] = threading.Event()
    written: list[int] = []
    record = poller.Recorder.record

    def recorded(recorder: Any, batch: Any) -> set[int]:
        changed = record(recorder, batch)
        written.append(Account.objects.count())
        if Account.objects.count() == 2:
            fleet.hanging[2].set()  # only now may it answer
        return changed

    monkeypatch.setattr(poller.Recorder, "record", recorded)
    poll()
    assert written[-2:] == [2, 3]


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_who_has_answered_is_polled_again_while_another_still_hangs(fleet: ScriptedFleet) -> None:
    agents = fleet.make_agents(3)
    fleet.hanging[2] = threading.Event()

    def tick() -> None:
        poller.poll_due(reachable=True)
        connection.close()

    first = threading.Thread(target=tick)
    first.start()
    wait_until(lambda: poller._in_flight == {agents[1].pk})
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
def test_answers_are_confirmed_on_time_at_their_own_time_while_one_agent_hangs(
    fleet: ScriptedFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poller, "TOUCH_EVERY_S", 0.05)
    quick, _ = fleet.make_agents(2)
    poll()
    before = timezone.now()
    fleet.hanging[2] = threading.Event()
    make_due()

    def tick() -> None:
        poller.poll_due(reachable=True)
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


def test_a_confirmation_has_the_time_of_its_answer_and_undoes_nothing_newer(
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
        poller.poll_due(reachable=reachable)
        connection.close()

    first = threading.Thread(target=tick)
    first.start()
    wait_until(lambda: len(poller._in_flight) == 2)
    assert poller.poll_due(reachable=reachable) == 0
    assert Agent.objects.filter(claim=None).count() == 3
    for event in fleet.hanging.values():
        event.set()
    first.join()
    assert poller.poll_due(reachable=reachable) == 2


def test_an_agent_deleted_while_it_is_asked_leaves_no_trace(fleet: ScriptedFleet) -> None:
    (agent,) = fleet.make_agents(1)
    endpoint = agent.endpoint()
    agent.delete()
    agent.pk = endpoint.id
    outcomes = list(poller.refresh([agent]))
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
    outcomes = list(poller.refresh(Agent.objects.all()))
    assert [outcome.agent_name for outcome in outcomes if not outcome.ok] == ["vps-0007"]
    assert fleet.asked[7, "POST /refresh"] == 1


def test_the_answer_of_an_address_that_the_agent_has_left_is_dropped(fleet: ScriptedFleet) -> None:
    (asked,) = fleet.make_agents(1)
    poll()
    moved = Agent.objects.get()
    moved.move_to("http://127.0.0.1:9")
    moved.save(update_fields=["url", "etag", "secret_encrypted"])
    fleet.replies[1] = told(1, balance=5.0)
    list(poller.refresh([asked]))
    assert Account.objects.get().balance == 100000


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_two_pollers_at_once_ask_each_agent_once(fleet: ScriptedFleet) -> None:
    fleet.make_agents(40)
    claimed: list[int] = []
    barrier = threading.Barrier(4)

    def tick() -> None:
        barrier.wait()
        claimed.extend(agent.pk for agent in poller.claim(timezone.now(), reachable=True))
        connection.close()

    run_at_once(tick, 4)
    assert len(claimed) == 40
    assert len(set(claimed)) == 40


@pytest.mark.skipif(connection.vendor != "postgresql", reason="a plan of PostgreSQL's")
def test_whatever_the_plan_no_more_agents_are_claimed_than_there_is_room_for(
    fleet: ScriptedFleet, settings: Settings
) -> None:
    settings.POLL_BATCH = 2
    fleet.make_agents(5)
    with connection.cursor() as cursor:
        for step in ("hashjoin", "mergejoin", "hashagg", "sort", "material", "memoize"):
            cursor.execute(f"SET LOCAL enable_{step} = off")
    assert len(poller.claim(timezone.now(), reachable=True)) == 2
