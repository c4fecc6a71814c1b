"""Accounts that are disputed: never swapped silently, shown, and settled."""

from decimal import Decimal

import pytest

from accounts import conflicts
from accounts.models import Account, Agent, Conflict
from accounts.polling import fetch, poller
from accounts.polling.recorder import Recorder
from mt5monitor import loop
from tests.polling.conftest import Published
from tests.polling.ticks import poll
from tests.scripted_fleet import ScriptedFleet, told

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def test_an_account_reported_by_two_agents_stays_with_its_first(fleet: ScriptedFleet) -> None:
    first, second = fleet.make_agents(2)
    del fleet.replies[2]
    poll()
    fleet.replies[2] = told(1, balance=5.0)
    poll()
    account = Account.objects.get()
    assert (account.agent, account.balance) == (first, Decimal(100000))
    conflict = Conflict.objects.get()
    assert (conflict.agent, conflict.number, conflict.kind) == (second, 1, "two-agents")
    second.refresh_from_db()
    assert (second.status, second.status_code) == ("error", "two-agents")
    assert "admin" in second.status_reason


def test_a_dispute_is_recorded_once_and_ends_when_its_reason_ends(fleet: ScriptedFleet) -> None:
    fleet.make_agents(2)
    poll()
    fleet.replies[2] = told(1)
    poll()
    since = Conflict.objects.get().since
    poll()
    assert Conflict.objects.get().since == since
    fleet.replies[2] = told(2)
    poll()
    assert not Conflict.objects.exists()
    assert set(Agent.objects.values_list("status", flat=True)) == {"online"}


def test_an_agent_that_reports_another_login_does_not_take_it(fleet: ScriptedFleet) -> None:
    (agent,) = fleet.make_agents(1)
    poll()
    fleet.replies[1] = told(999, balance=5.0)
    poll()
    assert list(Account.objects.values_list("number", "balance")) == [(1, 100000)]
    assert Conflict.objects.get().kind == "other-login"
    agent.refresh_from_db()
    assert (agent.status, agent.failures) == ("error", 0)


def test_an_account_moves_when_its_old_agent_is_deleted(fleet: ScriptedFleet) -> None:
    first, second = fleet.make_agents(2)
    del fleet.replies[2]
    poll()
    fleet.replies[2] = told(1, balance=5.0)
    poll()
    first.delete()
    poll()
    account = Account.objects.get()
    assert (account.agent, account.balance) == (second, 5)
    assert not Conflict.objects.exists()


def test_an_account_moves_when_its_old_agent_is_switched_off(fleet: ScriptedFleet) -> None:
    first, second = fleet.make_agents(2)
    del fleet.replies[2]
    poll()
    Agent.objects.filter(pk=first.pk).update(enabled=False)
    fleet.replies[2] = told(1)
    poll()
    assert Account.objects.get().agent == second


def test_a_late_answer_of_an_agent_that_was_switched_off_claims_nothing(
    fleet: ScriptedFleet,
) -> None:
    first, second = fleet.make_agents(2)
    del fleet.replies[2]
    poll()
    Agent.objects.filter(pk=first.pk).update(enabled=False)
    fleet.replies[2] = told(1)
    poll()
    list(poller.refresh([first]))
    assert Account.objects.get().agent == second
    assert not Conflict.objects.exists()
    fleet.replies[1] = told(3)
    list(poller.refresh([first]))
    assert Account.objects.count() == 1


def test_of_three_agents_with_one_account_another_takes_over_from_the_first(
    fleet: ScriptedFleet,
) -> None:
    first, second, third = fleet.make_agents(3)
    del fleet.replies[2], fleet.replies[3]
    poll()
    fleet.replies[2] = fleet.replies[3] = told(1)
    poll()
    assert set(Conflict.objects.values_list("agent", flat=True)) == {second.pk, third.pk}
    first.delete()
    poll()
    poll()
    owner = Account.objects.get().agent
    assert owner in (second, third)
    (left,) = Conflict.objects.all()
    assert {owner, left.agent} == {second, third}


def test_two_agents_that_swap_their_logins_swap_nothing_until_a_person_says_so(
    fleet: ScriptedFleet,
) -> None:
    first, second = fleet.make_agents(2)
    poll()
    fleet.replies[1], fleet.replies[2] = told(2, balance=5.0), told(1, balance=6.0)
    poll()
    assert set(Account.objects.values_list("number", "balance")) == {(1, 100000), (2, 100000)}
    assert Conflict.objects.count() == 2
    for conflict in Conflict.objects.all():
        conflicts.settle_for(conflict)
    poll()
    owners = dict(Account.objects.values_list("number", "agent"))
    assert owners == {1: second.pk, 2: first.pk}
    assert dict(Account.objects.values_list("number", "balance")) == {1: 6, 2: 5}
    assert not Conflict.objects.exists()
    fleet.replies[1], fleet.replies[2] = told(1), told(2)
    poll()
    assert dict(Account.objects.values_list("number", "agent")) == owners
    assert Conflict.objects.count() == 2


def test_two_agents_that_swap_their_logins_and_back_are_as_before(fleet: ScriptedFleet) -> None:
    fleet.make_agents(2)
    poll()
    before = set(Account.objects.values_list("number", "agent", "balance", "connected"))
    fleet.replies[1], fleet.replies[2] = told(2, balance=5.0), told(1, balance=6.0)
    poll()
    fleet.replies[1], fleet.replies[2] = told(1), told(2)
    poll()
    assert set(Account.objects.values_list("number", "agent", "balance", "connected")) == before
    assert not Conflict.objects.exists()


def test_two_agents_that_report_a_new_account_at_once_make_it_once(
    fleet: ScriptedFleet, caplog: pytest.LogCaptureFixture
) -> None:
    fleet.make_agents(2)
    fleet.replies = {1: told(7), 2: told(7)}
    poll()
    assert Account.objects.get().number == 7
    assert Conflict.objects.get().kind == "two-agents"


def test_a_list_may_grow_and_what_it_no_longer_holds_is_shown_as_disconnected(
    fleet: ScriptedFleet,
) -> None:
    fleet.make_agents(1, expected_accounts=3)
    fleet.replies[1] = {"accounts": [told(1), told(2)]}
    poll()
    fleet.replies[1] = [told(1), told(2), told(3)]
    poll()
    assert Account.objects.count() == 3
    fleet.replies[1] = [told(1), told(3)]
    poll()
    gone = Account.objects.get(number=2)
    assert gone.state() == "disconnected"
    assert not Conflict.objects.exists()
    fleet.replies[1] = [told(1), told(2), told(3)]
    poll()
    gone.refresh_from_db()
    assert gone.state() == "online"


def test_everybody_is_shown_the_rows_of_a_new_dispute(
    fleet: ScriptedFleet, published: Published
) -> None:
    fleet.make_agents(2)
    poll()
    published.numbers.clear()
    fleet.replies[2] = told(1)
    poll()
    assert set(published.numbers) == {1, 2}


def test_the_dispute_of_one_agent_is_no_news_of_the_others(
    fleet: ScriptedFleet, published: Published
) -> None:
    agents = fleet.make_agents(4)
    poll()
    published.agents.clear()
    fleet.replies[2] = told(1)
    results = [loop.run(fetch.fetch(agent.endpoint())) for agent in agents]
    Recorder(touch_every_s=3600).record(results)
    assert published.agents == [agents[1].pk]
