"""Agents in the admin: addresses, secrets, connection tests, switches."""

import socket
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Account, Agent
from tests.admin.conftest import SignIn
from tests.admin.page_form import form_on, said
from tests.factories import make_account, make_agent, make_order
from tests.scripted_fleet import ScriptedFleet

LIST = "/admin/accounts/agent/"
SECRET = "a-secret-of-many-letters"


class Greeting(ScriptedFleet):
    """Agents that also say who they are."""

    def answer(self, index: int, call: str) -> tuple[int, bytes]:
        if call == "":
            return 200, b'{"service": "MT5 agent", "status": "running"}'
        if call == "health":
            return 200, b'{"status": "healthy", "accounts_monitored": 1}'
        return super().answer(index, call)


def act(client: Client, action: str, *agents: Agent) -> Any:
    chosen = [agent.pk for agent in agents]
    data = {"action": action, "_selected_action": chosen, "index": "0", "select_across": "0"}
    return client.post(LIST, data, follow=True)


def url_of(agent: Agent) -> str:
    return f"{LIST}{agent.pk}/change/"


def open_form(client: Client, agent: Agent) -> dict[str, str]:
    return form_on(client.get(url_of(agent)), "agent_form")


def save(client: Client, agent: Agent, **typed: str) -> Any:
    return client.post(url_of(agent), open_form(client, agent) | typed, follow=True)


def with_secret(**columns: Any) -> Agent:
    agent = make_agent(contract="2", etag='"7"', **columns)
    agent.set_secret(SECRET)
    agent.save_changed(secret_encrypted=agent.secret_encrypted)
    return agent


@pytest.mark.both_databases
def test_an_agent_is_added_due_at_once_and_its_secret_encrypted(boss: Client) -> None:
    form = form_on(boss.get(f"{LIST}add/"), "agent_form")
    given = {"name": "vps-1", "url": "HTTP://10.0.0.5:8000/", "contract": "2", "secret": SECRET}

    boss.post(f"{LIST}add/", form | given)

    agent = Agent.objects.get()
    assert (agent.url, agent.secret) == ("http://10.0.0.5:8000", SECRET.encode())
    assert SECRET.encode() not in bytes(agent.secret_encrypted or b"")
    assert agent.next_poll_at <= timezone.now()


def test_a_secret_is_stored_without_the_mark_that_was_copied_along(boss: Client) -> None:
    agent = with_secret()
    save(boss, agent, secret=f"\ufeff{SECRET}22\r\n")
    agent.refresh_from_db()
    assert agent.secret == f"{SECRET}22".encode()


def test_contract_2_needs_a_secret(boss: Client) -> None:
    agent = make_agent()
    refused = save(boss, agent, contract="2")
    assert "Contract 2 needs the secret" in refused.content.decode()


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254",
        "http://[ff02::1]:8000",
        "ftp://10.0.0.5",
        "10.0.0.5:8000",
        "http://u:p@10.0.0.5",
        "http://10.0.0.5:99999",
        "http://",
    ],
)
def test_an_address_outside_the_allowed_networks_is_refused_on_its_field(
    boss: Client, url: str
) -> None:
    agent = make_agent()
    before = agent.url

    refused = save(boss, agent, url=url)

    assert refused.context["adminform"].form.errors["url"]
    agent.refresh_from_db()
    assert agent.url == before


@pytest.mark.both_databases
def test_a_url_that_another_agent_has_is_refused(boss: Client) -> None:
    agent, other = make_agent(), make_agent()
    refused = save(boss, agent, url=f"{other.url}/")
    assert "already exists" in str(refused.context["adminform"].form.errors["url"])


def test_a_secret_is_never_shown_and_says_only_whether_it_is_set(boss: Client) -> None:
    page = boss.get(url_of(with_secret())).content.decode()
    assert SECRET not in page
    assert "gAAAA" not in page, "nor is what is stored"


def test_saving_without_a_secret_keeps_it(boss: Client) -> None:
    agent = with_secret()
    save(boss, agent, display_name="First")
    agent.refresh_from_db()
    assert (agent.secret, agent.display_name, agent.etag) == (SECRET.encode(), "First", '"7"')


def test_another_url_clears_the_secret_and_says_so(boss: Client) -> None:
    agent = with_secret()

    response = save(boss, agent, url="http://10.0.0.9:8000")

    assert "so the secret was cleared" in said(response)
    agent.refresh_from_db()
    assert (agent.url, agent.secret, agent.etag) == ("http://10.0.0.9:8000", None, "")


def test_another_url_with_its_secret_keeps_that_secret(boss: Client) -> None:
    agent = with_secret()

    response = save(boss, agent, url="http://10.0.0.9:8000", secret="another-secret-of-letters")

    assert "cleared" not in said(response)
    agent.refresh_from_db()
    assert agent.secret == b"another-secret-of-letters"


@pytest.mark.both_databases
def test_the_history_of_an_agent_holds_no_secret(boss: Client) -> None:
    agent = with_secret()
    save(boss, agent, secret="another-secret-of-letters", display_name="First")
    columns = {field.name for field in Agent.history.model._meta.get_fields()}
    assert "secret_encrypted" not in columns
    page = boss.get(f"{LIST}{agent.pk}/history/").content.decode()
    assert "First" in page
    assert "another-secret" not in page


def test_a_form_opened_before_a_poll_does_not_undo_the_poll(boss: Client) -> None:
    agent = make_agent()
    form = open_form(boss, agent)
    due = timezone.now() + timedelta(hours=1)
    Agent.objects.filter(pk=agent.pk).update(status="online", failures=3, next_poll_at=due)

    boss.post(url_of(agent), form | {"display_name": "First"})

    agent.refresh_from_db()
    assert (agent.status, agent.failures, agent.next_poll_at) == ("online", 3, due)


def test_an_agent_that_moved_starts_without_the_failures_of_its_old_address(boss: Client) -> None:
    agent = make_agent(failures=3, etag='"old"')
    save(boss, agent, url="http://127.0.0.1:9/elsewhere")
    agent.refresh_from_db()
    assert (agent.failures, agent.etag) == (0, "")


def test_status_columns_that_are_posted_are_ignored(boss: Client) -> None:
    agent = make_agent()
    save(boss, agent, status="online", failures="9", display_name="x")
    agent.refresh_from_db()
    assert (agent.status, agent.failures) == ("unknown", 0)


@pytest.mark.both_databases
def test_a_connection_test_shows_who_answers_or_the_name_of_the_error(boss: Client) -> None:
    closed = socket.create_server(("127.0.0.1", 0))
    port = closed.getsockname()[1]
    closed.close()
    with Greeting() as fleet:
        (up,) = fleet.make_agents(1)
        down = make_agent(name="down", url=f"http://127.0.0.1:{port}")

        text = said(act(boss, "test_connection", up, down))

    assert "vps-0001: MT5 agent (contract 1) monitors 1 account" in text
    assert "down did not answer as it should (connection-refused): " in text
    down.refresh_from_db()
    assert down.status == "unknown", "a test writes nothing"


def test_save_and_test_saves_what_is_on_screen_and_tests_that(boss: Client) -> None:
    with ScriptedFleet() as fleet:
        fleet.replies[1] = {}
        agent = make_agent(name="vps")
        pressed = {"accounts_agent_save_and_test": "1"}
        response = save(boss, agent, url=fleet.url(1), **pressed)
        agent.refresh_from_db()
        assert agent.url == fleet.url(1)
        assert "vps" in said(response)
        assert fleet.asked, "the new address was asked"


@pytest.mark.both_databases
def test_switching_on_and_off_says_how_many_and_keeps_who_did_it(boss: Client) -> None:
    on, off = make_agent(), make_agent(enabled=False)
    account = make_account(agent=on)

    expected = f"1 agent disabled; 1 was disabled already: {off.name}."
    assert said(act(boss, "disable", on, off)) == expected
    on.refresh_from_db()
    assert not on.enabled
    assert Account.objects.get(pk=account.pk).agent == on, "its account keeps its row"
    assert on.history.latest("history_date").history_user is not None

    later = timezone.now() + timedelta(hours=1)
    Agent.objects.update(next_poll_at=later)
    assert said(act(boss, "enable", on, off)) == "2 agents enabled."
    assert Agent.objects.filter(next_poll_at__lte=timezone.now(), enabled=True).count() == 2


@pytest.mark.both_databases
def test_poll_now_makes_enabled_agents_due(boss: Client) -> None:
    later = timezone.now() + timedelta(hours=1)
    on, off = make_agent(next_poll_at=later), make_agent(next_poll_at=later, enabled=False)

    text = said(act(boss, "poll_now", on, off))

    assert text.startswith("1 agent will be polled within a second or two;")
    assert text.endswith(f"; not enabled, and so not polled: {off.name}.")
    assert list(Agent.objects.due(timezone.now())) == [on]


@pytest.mark.both_databases
def test_the_account_of_a_deleted_agent_keeps_its_row(boss: Client) -> None:
    account = make_account()
    agent = account.agent
    assert agent is not None

    boss.post(f"{LIST}{agent.pk}/delete/", {"post": "yes"})

    account.refresh_from_db()
    assert account.agent is None
    assert not Agent.objects.exists()


@pytest.mark.both_databases
def test_the_list_is_found_by_account_number_too(boss: Client) -> None:
    account, _ = make_account(), make_account()
    response = boss.get(f"{LIST}?q={account.number}")
    assert [agent.pk for agent in response.context["cl"].result_list] == [account.agent_id]


@pytest.mark.both_databases
@pytest.mark.parametrize("count", [69, 1000])
def test_the_list_costs_the_same_few_queries_whatever_the_fleet(boss: Client, count: int) -> None:
    agents = Agent.objects.bulk_create(
        Agent(name=f"a{n}", url=f"http://10.0.0.1/{n}") for n in range(count)
    )
    Account.objects.bulk_create(Account(number=n + 1, agent=agents[n]) for n in range(count))
    boss.get(LIST)
    with CaptureQueriesContext(connection) as queries:
        boss.get(LIST)
    # Session, user, count, agents, their accounts.
    assert len(queries) == 5


def test_somebody_who_may_only_look_can_neither_edit_nor_act(sign_in: SignIn) -> None:
    agent, client = make_agent(), sign_in("accounts.view_agent")

    page = client.get(LIST).content.decode()
    for offered in ("Test connection", "Poll now", "Disable", "Import"):
        assert offered not in page
    act(client, "disable", agent)
    client.post(url_of(agent), {"display_name": "x", "accounts_agent_save_and_test": "1"})

    agent.refresh_from_db()
    assert (agent.enabled, agent.display_name) == (True, "")


@pytest.mark.parametrize("state", ["sending", "unknown", "needs-attention"])
def test_where_an_order_is_asked_for_stays_until_its_outcome_is_known(
    boss: Client, state: str
) -> None:
    agent = with_secret()
    make_order(make_account(agent=agent), state=state)
    for typed in ({"url": "http://10.9.9.9:8000"}, {"contract": "1"}):
        assert "no known outcome yet" in save(boss, agent, **typed).content.decode()
    assert "no known outcome yet" in boss.get(f"{LIST}{agent.pk}/delete/").content.decode()
    boss.post(f"{LIST}{agent.pk}/delete/", {"post": "yes"})
    after = Agent.objects.get()
    assert (after.url, after.contract) == (agent.url, "2")


def test_an_order_that_ended_keeps_no_agent_where_it_is(boss: Client) -> None:
    agent = with_secret()
    make_order(make_account(agent=agent), state="filled")
    save(boss, agent, url="http://10.9.9.9:8000")
    assert Agent.objects.get().url == "http://10.9.9.9:8000"
