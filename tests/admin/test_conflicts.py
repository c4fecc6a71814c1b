"""Conflicts: a person says which agent an account belongs to."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Account, Agent, Conflict
from accounts.polling import poller
from tests.admin.conftest import SignIn
from tests.admin.page_form import form_on, said
from tests.factories import make_account, make_agent, make_online_agent
from tests.scripted_fleet import ScriptedFleet, told

LIST = "/admin/accounts/conflict/"
TWO, OTHER = Conflict.Kind.TWO_AGENTS, Conflict.Kind.OTHER_LOGIN


def act(client: Client, action: str, *conflicts: Conflict) -> Any:
    chosen = [conflict.pk for conflict in conflicts]
    data = {"action": action, "_selected_action": chosen, "index": "0", "select_across": "0"}
    return client.post(LIST, data, follow=True)


def make_conflict(agent: Agent, number: int, kind: Conflict.Kind) -> Conflict:
    return Conflict.objects.create(agent=agent, number=number, kind=kind, since=timezone.now())


@pytest.mark.both_databases
def test_the_list_says_who_reports_what_and_whose_it_is(boss: Client) -> None:
    account = make_account()
    make_conflict(make_agent(name="newcomer"), account.number, TWO)
    make_conflict(make_agent(name="stranger"), 999, OTHER)

    page = boss.get(LIST).content.decode()

    assert f"newcomer also reports account {account.number}" in page
    assert account.agent is not None
    assert account.agent.name in page
    assert "not known yet" in page


@pytest.mark.both_databases
def test_an_account_of_two_agents_goes_to_the_one_chosen(boss: Client) -> None:
    account = make_account()
    old = account.agent
    assert old is not None
    new = make_online_agent(etag='"1"')
    Agent.objects.update(etag='"1"')
    conflict = make_conflict(new, account.number, TWO)

    text = said(act(boss, "give_to_agent", conflict))

    assert "1 account given to the agent that reports it." in text
    account.refresh_from_db()
    assert account.agent == new
    assert not Conflict.objects.exists()
    for agent in (old, new):
        agent.refresh_from_db()
        assert agent.etag == "", "both are read in full again"
        assert agent.next_poll_at <= timezone.now()


def test_an_agent_that_moved_to_another_login_lets_go_of_the_old_one(boss: Client) -> None:
    old, parked = make_account(), make_account(agent=None)
    agent = old.agent
    assert agent is not None

    act(boss, "give_to_agent", make_conflict(agent, parked.number, OTHER))

    old.refresh_from_db()
    parked.refresh_from_db()
    assert (old.agent, parked.agent) == (None, agent)


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_login_not_seen_before_is_added_by_the_poll_after_the_settlement(
    boss: Client, settings: Settings
) -> None:
    settings.RECOVERY_RETRY_S = 0.01
    with ScriptedFleet() as fleet:
        (agent,) = fleet.make_agents(1)
        list(poller.refresh([agent]))
        fleet.replies[1] = told(77)
        agent.refresh_from_db()
        list(poller.refresh([agent]))
        conflict = Conflict.objects.get()
        assert (conflict.number, conflict.kind) == (77, OTHER)

        act(boss, "give_to_agent", conflict)
        agent.refresh_from_db()
        list(poller.refresh([agent]))

    assert Account.objects.get(number=77).agent == agent
    assert Account.objects.get(number=1).agent is None
    assert not Conflict.objects.exists()
    agent.refresh_from_db()
    assert agent.status == "online"


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_dismissed_conflict_comes_back_while_it_is_true(boss: Client, settings: Settings) -> None:
    settings.RECOVERY_RETRY_S = 0.01
    with ScriptedFleet() as fleet:
        (agent,) = fleet.make_agents(1)
        account = make_account(number=1)
        list(poller.refresh([agent]))

        text = said(act(boss, "dismiss", Conflict.objects.get()))

        assert "flags again what is still so" in text
        assert not Conflict.objects.exists()
        agent.refresh_from_db()
        list(poller.refresh([agent]))
    assert Conflict.objects.get().number == 1
    assert Account.objects.get(pk=account.pk).agent == account.agent


def test_a_person_says_that_it_is_another_account_of_another_broker(boss: Client) -> None:
    account, newcomer = make_account(server="Alpha-Live"), make_online_agent(name="newcomer")
    conflict = make_conflict(newcomer, account.number, TWO)

    text = said(act(boss, "add_another", conflict))

    assert text == "1 account added. The next poll fills in the figures."
    added = Account.objects.get(agent=newcomer)
    assert (added.number, added.server) == (account.number, "")
    account.refresh_from_db()
    assert account.agent != newcomer
    assert account.shares_number
    assert added.shares_number
    assert not Conflict.objects.exists()
    page = boss.get("/admin/accounts/account/").content.decode()
    assert "Alpha-Live" in page


def test_a_person_says_that_a_server_has_a_new_name(boss: Client) -> None:
    account = make_account(server="Alpha-Live")
    assert account.agent is not None
    conflict = make_conflict(account.agent, account.number, Conflict.Kind.OTHER_SERVER)
    Conflict.objects.update(server="Alpha-Live 2")

    text = said(act(boss, "rename_server", conflict))

    assert text == "1 account kept, with the new name of the server."
    account.refresh_from_db()
    assert account.server == "Alpha-Live 2"
    assert not Conflict.objects.exists()


def test_what_cannot_be_settled_like_that_stays_and_says_why(boss: Client) -> None:
    conflict = make_conflict(make_online_agent(), 999, OTHER)
    assert "no new name of the same server" in said(act(boss, "rename_server", conflict))
    assert "give the account to the agent" in said(act(boss, "add_another", conflict))
    for server in ("A", "B"):
        make_account(number=7, server=server)
    unclear = make_conflict(make_online_agent(), 7, Conflict.Kind.UNCLEAR)
    assert "Several accounts have number 7" in said(act(boss, "give_to_agent", unclear))
    assert Conflict.objects.count() == 2


@pytest.mark.both_databases
def test_one_account_is_not_given_to_two_agents_at_once(boss: Client) -> None:
    account = make_account()
    conflicts = [make_conflict(make_agent(), account.number, TWO) for _ in range(2)]

    text = said(act(boss, "give_to_agent", *conflicts))

    assert text == f"Account {account.number} was chosen for two agents; choose one of them."
    assert Conflict.objects.count() == 2


def test_who_settled_it_is_kept(boss: Client) -> None:
    account, agent = make_account(), make_agent(name="newcomer")
    act(boss, "give_to_agent", make_conflict(agent, account.number, TWO))

    entry = LogEntry.objects.get()
    assert f"Account {account.number} given to newcomer." in entry.get_change_message()
    newest = account.history.latest("history_date")
    assert newest.history_change_reason == f"Account {account.number} given to newcomer."
    assert newest.history_user == entry.user
    page = boss.get(f"/admin/accounts/account/{account.pk}/history/").content.decode()
    assert "given to newcomer" in page


def test_settling_takes_the_permission_to_change_conflicts(sign_in: SignIn) -> None:
    account = make_account()
    conflict = make_conflict(make_agent(), account.number, TWO)
    act(sign_in("accounts.view_conflict"), "give_to_agent", conflict)
    assert Conflict.objects.exists()
    act(sign_in("accounts.view_conflict", "accounts.change_conflict"), "give_to_agent", conflict)
    assert not Conflict.objects.exists()


def disable(client: Client, agent: Agent) -> None:
    data = {"action": "disable", "_selected_action": [agent.pk], "index": "0"}
    client.post("/admin/accounts/agent/", data)


def disable_in_form(client: Client, agent: Agent) -> None:
    url = f"/admin/accounts/agent/{agent.pk}/change/"
    fields = form_on(client.get(url), "agent_form")
    del fields["enabled"]
    client.post(url, fields)


def delete(client: Client, agent: Agent) -> None:
    client.post(f"/admin/accounts/agent/{agent.pk}/delete/", {"post": "yes"})


@pytest.mark.parametrize("switch_off", [disable, disable_in_form, delete])
def test_what_an_agent_reported_is_no_conflict_once_it_is_switched_off(
    boss: Client,
    switch_off: Callable[[Client, Agent], None],
    shown: set[int],
) -> None:
    account, newcomer = make_account(), make_online_agent()
    make_conflict(newcomer, account.number, TWO)
    other = make_conflict(make_online_agent(), account.number, TWO)

    switch_off(boss, newcomer)

    assert not Agent.objects.filter(pk=newcomer.pk, enabled=True).exists()
    assert Conflict.objects.get() == other
    assert account.number in shown


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """Numbers of the accounts whose rows open pages are sent."""
    numbers: set[int] = set()
    monkeypatch.setattr("accounts.conflicts.publish_accounts", numbers.update)
    return numbers
