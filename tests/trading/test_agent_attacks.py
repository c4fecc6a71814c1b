"""Somebody who edits agents and has no trading right sends no order to a server of their own."""

import importlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from accounts import approvals
from accounts.models import Agent, TradingApproval
from accounts.signin import mfa_required
from tests.admin.page_form import form_on, said
from tests.factories import make_agent, make_order, make_trading_agent, make_user
from tests.scripted_fleet import ScriptedFleet, told
from tests.trading.desk import Desk
from trading import permits
from trading.states import State

pytestmark = pytest.mark.django_db
LIST = "/admin/accounts/agent/"
EDITS = ("accounts.view_agent", "accounts.change_agent", "accounts.add_agent")
SECRET = "a-secret-of-the-attacker"
CONTRACTS = pytest.mark.parametrize("contract", ["1", "2"])


@pytest.fixture
def theirs() -> Iterator[ScriptedFleet]:
    """A server of the attacker, which keeps what it was asked."""
    with ScriptedFleet() as server:
        yield server


def signed_in(*permissions: str, **columns: Any) -> Client:
    client = Client()
    client.force_login(make_user(*permissions, is_staff=True, **columns))
    return client


@pytest.fixture
def attacker(db: None) -> Client:
    return signed_in(*EDITS)


@pytest.fixture
def boss(db: None) -> Client:
    return signed_in(*EDITS, approvals.SWITCHES_TRADING)


def url_of(agent: Agent) -> str:
    return f"{LIST}{agent.pk}/change/"


def save(client: Client, agent: Agent, **typed: str) -> Any:
    form = form_on(client.get(url_of(agent)), "agent_form")
    return client.post(url_of(agent), form | typed, follow=True)


def nothing_went_to(theirs: ScriptedFleet, desk: Desk, contract: str) -> None:
    """An order of the desk's trader, now."""
    theirs.replies[1] = told(desk.accounts[contract].number)
    for kind in ("open", "close", "modify"):
        position = {} if kind == "open" else {"position": 77}
        order = desk.send(contract, kind=kind, **position)
        assert order.state == State.DENIED, kind
        assert "agent" in order.reason
    assert not theirs.asked
    assert desk.sent(contract) == []


@CONTRACTS
def test_another_url_by_the_form_stops_trading_and_clears_the_secret(
    desk: Desk, theirs: ScriptedFleet, attacker: Client, contract: str
) -> None:
    page = save(attacker, desk.agent(contract), url=theirs.url(1))
    assert "trading through this agent is off" in said(page)
    agent = Agent.objects.get(pk=desk.agent(contract).pk)
    assert (agent.url, agent.trading_enabled, agent.secret) == (theirs.url(1), False, None)
    nothing_went_to(theirs, desk, contract)


@CONTRACTS
@pytest.mark.parametrize("at_once", [True, False])
def test_who_edits_agents_cannot_switch_trading_on_at_their_server(
    desk: Desk, theirs: ScriptedFleet, attacker: Client, contract: str, at_once: bool
) -> None:
    agent, on = desk.agent(contract), {"trading_enabled": "on"}
    page = save(attacker, agent, url=theirs.url(1), **(on if at_once else {}))
    if not at_once:
        page = save(attacker, agent, **on)
        assert approvals.NEEDS_PERMISSION in page.content.decode()
    assert not Agent.objects.get(pk=agent.pk).trading_enabled
    nothing_went_to(theirs, desk, contract)


def test_an_import_moves_an_agent_without_its_trading_and_its_secret(
    desk: Desk, theirs: ScriptedFleet, attacker: Client, tmp_path: Any
) -> None:
    for contract, by_command in (("1", False), ("2", True)):
        agent = desk.agent(contract)
        item = {"name": agent.name, "url": theirs.url(int(contract)), "trading_enabled": True}
        text = json.dumps([item])
        if by_command:
            (tmp_path / "agents.json").write_text(text)
            call_command("import_agents", str(tmp_path / "agents.json"))
        else:
            how = {"text": text, "scheme": "http", "contract": "1"}
            preview = attacker.post(f"{LIST}import/", how).content.decode()
            assert "trading through it is switched off" in preview
            attacker.post(f"{LIST}import/", how | {"confirm": "1"})
        agent.refresh_from_db()
        assert (agent.url, agent.secret) == (theirs.url(int(contract)), None)
        assert not agent.trading_enabled
        nothing_went_to(theirs, desk, contract)


@pytest.mark.both_databases
@CONTRACTS
def test_a_url_that_changed_by_no_door_at_all_gets_no_order_either(
    desk: Desk, theirs: ScriptedFleet, contract: str
) -> None:
    """The switch is still on, as after a statement by hand: the claim itself asks who approved."""
    Agent.objects.filter(pk=desk.agent(contract).pk).update(url=theirs.url(1))
    nothing_went_to(theirs, desk, contract)
    agent = Agent.objects.get(pk=desk.agent(contract).pk)
    order = make_order(desk.accounts[contract], agent=agent, agent_url=agent.url, contract=contract)
    assert not permits.permitted(timezone.now()).filter(pk=order.pk).exists()
    approvals.approve_as([agent], "a boss")
    assert permits.permitted(timezone.now()).filter(pk=order.pk).exists()


def test_another_contract_or_secret_stops_trading_too(desk: Desk, attacker: Client) -> None:
    two = desk.agent("2")
    save(attacker, two, secret=SECRET)
    two.refresh_from_db()
    assert (two.trading_enabled, two.secret) == (False, SECRET.encode())
    Agent.objects.filter(pk=two.pk).update(trading_enabled=True)
    save(attacker, two, contract="1")
    two.refresh_from_db()
    assert (two.contract, two.trading_enabled, two.secret) == ("1", False, None)
    refused = save(attacker, two, contract="2")
    assert "Contract 2 needs the secret" in refused.content.decode()


def test_an_agent_is_not_added_with_trading_on_by_who_only_adds_agents(
    theirs: ScriptedFleet, attacker: Client, boss: Client
) -> None:
    typed = {"name": "mine", "url": theirs.url(1), "contract": "1", "trading_enabled": "on"}
    for client, count in ((attacker, 0), (boss, 1)):
        client.post(f"{LIST}add/", form_on(client.get(f"{LIST}add/"), "agent_form") | typed)
        assert Agent.objects.filter(trading_enabled=True).count() == count
    assert TradingApproval.objects.get().url == theirs.url(1)


def test_no_version_of_before_is_brought_back(desk: Desk, attacker: Client) -> None:
    agent = desk.agent()
    save(attacker, agent, url="http://127.0.0.1:9/theirs")
    save(attacker, agent, url="http://127.0.0.1:9/else")
    version = agent.history.order_by("history_date").first()
    attacker.post(f"{LIST}{agent.pk}/history/{version.pk}/", {"url": "http://127.0.0.1:9/theirs"})
    agent.refresh_from_db()
    assert (agent.url, agent.trading_enabled) == ("http://127.0.0.1:9/else", False)


def test_a_person_with_the_right_lets_orders_go_there_and_it_is_kept_who(
    desk: Desk, attacker: Client, boss: Client
) -> None:
    agent = desk.agent("1")
    here, elsewhere = agent.url, "http://127.0.0.1:9/elsewhere"
    save(attacker, agent, url=elsewhere)
    save(attacker, agent, url=here)
    assert desk.send("1").state == State.DENIED, "also back at the URL that was approved before"
    save(boss, agent, trading_enabled="on")
    assert desk.send("1").state == State.FILLED
    kept = agent.approvals.first()
    assert kept is not None
    assert (kept.url, kept.contract) == (here, "1")
    assert kept.username == User.objects.order_by("pk").last().username  # type: ignore[union-attr]
    assert kept.username in boss.get(url_of(agent)).content.decode()


def test_who_approves_a_url_has_seen_it(desk: Desk, attacker: Client, boss: Client) -> None:
    """The form was opened before the URL was changed, and does not show it."""
    agent = desk.agent("1")
    Agent.objects.filter(pk=agent.pk).update(trading_enabled=False)
    form = form_on(boss.get(url_of(agent)), "agent_form")
    save(attacker, agent, url="http://127.0.0.1:9/theirs")
    page = boss.post(url_of(agent), form | {"trading_enabled": "on"}, follow=True)
    assert "was changed while this form was open" in page.content.decode()
    assert not Agent.objects.get(pk=agent.pk).trading_enabled


def test_switching_off_takes_no_trading_right(attacker: Client) -> None:
    agent = make_trading_agent()
    form = form_on(attacker.get(url_of(agent)), "agent_form")
    del form["trading_enabled"]
    attacker.post(url_of(agent), form)
    agent.refresh_from_db()
    assert not agent.trading_enabled


@pytest.mark.both_databases
def test_an_upgrade_approves_what_was_on_and_nothing_else() -> None:
    on, off = make_agent(trading_enabled=True), make_agent()
    module = importlib.import_module("accounts.migrations.0015_approvals_and_quotas")
    module.approve_those_that_trade(apps, None)
    assert [(kept.agent, kept.url) for kept in TradingApproval.objects.all()] == [(on, on.url)]
    assert on.refusal_to_trade() == ""
    assert "is switched off" in off.refusal_to_trade()


@pytest.mark.both_databases
@pytest.mark.parametrize(
    "permission",
    [
        "accounts.change_agent",
        "accounts.add_agent",
        "accounts.delete_agent",
        "accounts.change_conflict",
        "auth.change_user",
        "auth.add_user",
        "auth.change_group",
    ],
)
def test_who_edits_agents_or_users_needs_a_second_factor(settings: Any, permission: str) -> None:
    settings.MFA_REQUIRED = True
    user = make_user(permission, is_staff=True)
    assert mfa_required.is_required(user)
    assert mfa_required.required_of({user.pk}) == {user.pk}
    client = Client()
    client.force_login(user)
    assert client.get(LIST).headers["Location"] == "/security/app/"


# --- many at once -------------------------------------------------------------------------------
def chosen(*agents: Agent) -> dict[str, Any]:
    return {"action": "switch_trading_on", "_selected_action": [agent.pk for agent in agents]}


@pytest.mark.both_databases
def test_trading_is_switched_on_through_many_where_the_page_showed_them(boss: Client) -> None:
    stays, moves, on = make_agent(), make_agent(), make_trading_agent()
    page = boss.post(LIST, chosen(stays, moves, on))
    shown = page.content.decode()
    assert stays.url in shown
    assert on.url not in shown
    assert not Agent.objects.exclude(pk=on.pk).filter(trading_enabled=True).exists()
    Agent.objects.filter(pk=moves.pk).update(url="http://127.0.0.1:9/theirs")
    typed = chosen(stays, moves, on) | dict(page.context["seen"]) | {"confirm": ""}
    words = said(boss.post(LIST, typed, follow=True))
    assert f"Still off, because they moved since the page was shown: {moves.name}." in words
    assert "Trading switched on through 1 agent." in words
    assert [one.refusal_to_trade() for one in Agent.objects.filter(pk__in=[stays.pk, on.pk])] == [
        "",
        "",
    ]
    assert not moves.approvals.exists()
    words = said(boss.post(LIST, chosen(stays) | {"action": "switch_trading_off"}, follow=True))
    assert words == "Trading switched off through 1 agent."
    assert not Agent.objects.get(pk=stays.pk).trading_enabled


def test_who_only_edits_agents_switches_none_on_in_the_list(attacker: Client) -> None:
    agent = make_agent()
    assert "Switch trading on" not in attacker.get(LIST).content.decode()
    attacker.post(LIST, chosen(agent) | {f"seen_{agent.pk}": f"1 {agent.url}", "confirm": ""})
    assert not Agent.objects.get().trading_enabled
    assert not TradingApproval.objects.exists()


def test_a_session_that_was_left_open_switches_none_on_in_the_list(
    settings: Any, boss: Client
) -> None:
    settings.STEP_UP_S = 600
    agent = make_agent()
    typed = chosen(agent) | {f"seen_{agent.pk}": f"1 {agent.url}", "confirm": ""}
    page = boss.post(LIST, typed).content.decode()
    assert 'name="proof-password"' in page
    assert not Agent.objects.get().trading_enabled
    assert not TradingApproval.objects.exists()
