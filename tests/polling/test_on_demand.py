"""Asking for a refresh again and again loads no agent."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from django.db import connections
from django.test import Client
from pytest_django import Settings

from accounts.models import Agent
from accounts.polling import on_demand, poller
from accounts.polling.on_demand import TooManyRefreshes
from accounts.polling.poll_result import Outcome
from tests.api.program import Program, told
from tests.cast import VIEW
from tests.factories import make_account, make_user
from tests.scripted_fleet import ScriptedFleet
from tests.scripted_fleet import told as account
from tests.waiting import eventually

pytestmark = pytest.mark.django_db


def test_an_agent_that_is_being_read_for_somebody_is_not_asked_again(fleet: ScriptedFleet) -> None:
    slow, quick = fleet.make_agents(2)
    fleet.hanging[1] = threading.Event()
    first = poller.refresh([slow, quick])
    assert next(first).agent_id == quick.pk
    again = {outcome.agent_id: outcome for outcome in poller.refresh([slow, quick])}
    assert (again[slow.pk].code, again[quick.pk].code) == ("being-read", "")
    fleet.hanging[1].set()
    assert [outcome.agent_id for outcome in first] == [slow.pk]
    assert fleet.asked[1, "GET /accounts"] == 1
    assert [outcome.ok for outcome in poller.refresh([slow])] == [True]


def test_those_who_ask_for_the_same_at_once_wait_for_one_reading(fleet: ScriptedFleet) -> None:
    agents = fleet.make_agents(3)
    fleet.hanging = {2: threading.Event()}
    first = poller.refresh(agents)
    next(first), next(first)  # two were read; the third hangs
    with ThreadPoolExecutor(4) as threads:
        asked = [threads.submit(poller.read_now, user, agents) for user in range(4)]
        fleet.hanging[2].set()
        rest = list(first)
        outcomes = [one.result(30) for one in asked]
    assert [outcome.agent_id for outcome in rest] == [agents[1].pk]
    for shared in outcomes:
        assert {outcome.agent_id for outcome in shared} == {agent.pk for agent in agents}
        assert all(outcome.ok for outcome in shared)
    assert [fleet.asked[n, "GET /accounts"] for n in (1, 2, 3)] == [1, 1, 1]


def test_several_that_were_just_read_are_not_read_again_and_one_is(
    fleet: ScriptedFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poller, "LATE_S", 60.0)
    agents = fleet.make_agents(2)
    first = poller.read_now(1, agents)
    assert sorted(poller.read_now(2, agents), key=str) == sorted(first, key=str)
    assert fleet.asked[1, "GET /accounts"] == 1
    poller.read_now(2, agents[:1])
    assert fleet.asked[1, "GET /accounts"] == 2


def test_what_was_read_too_long_ago_or_elsewhere_is_read_again(
    fleet: ScriptedFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poller, "LATE_S", 60.0)
    first, second = fleet.make_agents(2)
    poller.read_now(1, [first, second])
    first.url += "/"
    poller.read_now(1, [first, second])
    assert [fleet.asked[n, "GET /accounts"] for n in (1, 2)] == [2, 1]
    monkeypatch.setattr(poller, "LATE_S", 0.0)
    poller.read_now(1, [first, second])
    assert fleet.asked[2, "GET /accounts"] == 2


def test_all_who_ask_during_a_reading_share_one_further_reading(
    fleet: ScriptedFleet,
) -> None:
    """The reading under way may have begun before the trade that they want to see."""
    (agent,) = fleet.make_agents(1)
    fleet.hanging[1] = threading.Event()
    urls = {agent.pk: agent.url}

    def read_now(user: int) -> list[Outcome]:
        try:
            return poller.read_now(user, [agent])
        finally:
            connections.close_all()  # one of them writes what was read

    with on_demand.turn(urls) as first, ThreadPoolExecutor(4) as threads:
        asked = [threads.submit(read_now, user) for user in range(4)]
        assert eventually(lambda: on_demand._waiting.total() == 4 and agent.pk in on_demand._next)
        assert fleet.asked[1, "GET /accounts"] == 0
        early = Outcome.left_alone(agent)
        fleet.replies[1] = account(1, balance=5.0)  # only what is read from here on shows it
        fleet.hanging[1].set()
        first.is_over(early)
        outcomes = [one.result(30) for one in asked]
    assert all(outcome.ok for (outcome,) in outcomes)
    assert fleet.asked[1, "GET /accounts"] == 1
    assert not on_demand._next
    assert not on_demand._running


def test_who_asks_for_many_joins_the_reading_that_is_about_to_begin(fleet: ScriptedFleet) -> None:
    (agent,) = fleet.make_agents(1)
    urls = {agent.pk: agent.url}
    with on_demand.turn(urls) as first, on_demand.turn(urls, fresh=True) as later:
        assert later.ids == {agent.pk}
        first.end()
        with on_demand.turn(urls) as many:
            assert not many.ids
            later.begin(time.monotonic())
            later.is_over(Outcome.left_alone(agent))
            assert many.outcome_of(agent.pk, 0) == Outcome.left_alone(agent)


def test_a_reading_that_hangs_is_not_waited_for_for_ever(fleet: ScriptedFleet) -> None:
    (agent,) = fleet.make_agents(1)
    urls = {agent.pk: agent.url}
    with on_demand.turn(urls), on_demand.turn(urls, fresh=True) as later:
        later.begin(time.monotonic())
        later.is_over(Outcome.left_alone(agent))
    assert not on_demand._running
    assert not on_demand._next


def test_a_reading_that_was_given_up_is_told_to_nobody(fleet: ScriptedFleet) -> None:
    (agent,) = fleet.make_agents(1)
    urls = {agent.pk: agent.url}
    with on_demand.turn(urls), on_demand.turn(urls) as second:
        pass
    assert second.outcome_of(agent.pk, 0) is None
    assert [outcome.ok for outcome in poller.refresh([agent], wait_s=30)] == [True]


def test_so_many_may_wait_for_agents_and_no_more(settings: Settings) -> None:
    settings.REFRESHES_PER_USER, settings.REFRESHES_AT_ONCE = 2, 3
    ana, eve, bob = 1, 2, 3
    with ExitStack() as held:
        held.enter_context(on_demand.place(ana))
        with (
            on_demand.place(ana),
            pytest.raises(TooManyRefreshes, match="as many readings as one user"),
        ):
            held.enter_context(on_demand.place(ana))
        held.enter_context(on_demand.place(eve))
        held.enter_context(on_demand.place(eve))
        with pytest.raises(TooManyRefreshes, match="Too many are waiting"):
            held.enter_context(on_demand.place(bob))
    with on_demand.place(bob):
        pass


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/refresh"),
        ("GET", "/api/accounts?force_refresh=true"),
        ("GET", "/api/accounts/1?force_refresh=true"),
        ("GET", "/api/accounts/1/positions?force_refresh=true"),
        ("GET", "/api/accounts/1/trade-history?force_refresh=true"),
        ("GET", "/api/accounts/1/trade-history"),
    ],
)
def test_a_program_that_finds_no_place_is_told_to_come_again(
    settings: Settings, method: str, path: str
) -> None:
    settings.REFRESHES_PER_USER = 1
    make_account(number=1)
    program = Program(make_user(*VIEW))
    with on_demand.place(program.user.pk):
        answer = program.ask(method, path.removeprefix("/api/"))
        assert "wait for those" in told(answer, 429)["detail"]
        assert answer.headers["Retry-After"] == "2"
        assert told(program.ask("GET", "accounts"), 200)


@pytest.mark.parametrize("path", ["/refresh/", "/accounts/1/refresh/", "/accounts/1/history/sync/"])
def test_a_person_who_finds_no_place_is_told_so(settings: Settings, path: str) -> None:
    settings.REFRESHES_PER_USER = 1
    make_account(number=1)
    user, client = make_user(*VIEW), Client()
    client.force_login(user)
    with on_demand.place(user.pk):
        said = client.post(path, headers={"HX-Request": "true"})
    assert "wait for those" in said.headers["HX-Trigger"]


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
        outcomes = list(poller.refresh(Agent.objects.all()))
        assert [outcome.code for outcome in outcomes] == ["refused-request"]
    assert fleet.asked[1, "POST /refresh"] == 1
