"""The list of accounts: what it costs, what it finds, what its actions do."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Account, Agent, Conflict, Phase
from tests.admin.conftest import SignIn
from tests.admin.page_form import form_on, said
from tests.factories import make_account, make_agent, make_firm, make_online_agent
from tests.scripted_fleet import ScriptedFleet, told

LIST = "/admin/accounts/account/"


def act(client: Client, action: str, *accounts: Account, **more: Any) -> Any:
    chosen = [account.pk for account in accounts]
    data = {"action": action, "_selected_action": chosen, "index": "0", "select_across": "0"}
    return client.post(LIST, data | more, follow=True)


def listed(client: Client, query: str) -> set[int]:
    response = client.get(f"{LIST}?{query}")
    assert response.status_code == 200, response["location"]
    return {account.number for account in response.context["cl"].result_list}


def make_accounts(count: int) -> None:
    """Cheaply: an agent, a VS group, a firm and a phase each, so that every join has work."""
    from accounts.models import Firm, VSGroup

    phase = Phase.objects.get(name="F1")
    agents = Agent.objects.bulk_create(
        Agent(name=f"a{n}", url=f"http://10.0.0.1:1000/agents/{n}") for n in range(count)
    )
    firms = Firm.objects.bulk_create(Firm(name=f"Firm {n}") for n in range(10))
    groups = VSGroup.objects.bulk_create(VSGroup(name=f"VS{n}") for n in range(count))
    Account.objects.bulk_create(
        Account(
            number=n + 1,
            agent=agents[n],
            phase=phase,
            firm=firms[n % 10],
            vs_group=groups[n],
            vs_slot="A",
            balance=Decimal(n),
            initial_balance=Decimal(100_000),
        )
        for n in range(count)
    )
    Conflict.objects.create(agent=agents[0], number=1, kind="two-agents", since=timezone.now())


def queries_of(client: Client, url: str) -> int:
    client.get(url)  # content types and the like are read once a process
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


@pytest.mark.both_databases
@pytest.mark.parametrize("count", [69, 1000])
def test_the_list_costs_the_same_few_queries_whatever_the_fleet(boss: Client, count: int) -> None:
    make_accounts(count)
    # Session, user, phases, phases and firms of the filters, count, rows.
    assert queries_of(boss, LIST) == 7


@pytest.mark.parametrize("count", [69, 1000])
def test_saving_the_list_costs_the_same_few_queries_whatever_its_rows(
    boss: Client, count: int
) -> None:
    make_accounts(count)
    form = form_on(boss.get(LIST), "changelist-form") | {"_save": "Save"}
    with CaptureQueriesContext(connection) as queries:
        boss.post(LIST, form)
    # As above, and savepoint and release.
    assert len(queries) == 9


@pytest.mark.parametrize("count", [69, 1000])
def test_fresh_cells_cost_three_queries(boss: Client, count: int) -> None:
    make_accounts(count)
    keys = ",".join(str(pk) for pk in Account.objects.values_list("pk", flat=True)[:100])
    assert queries_of(boss, f"{LIST}cells/?ids={keys}") == 3


def test_fresh_cells_are_those_of_the_rows_asked_for(boss: Client) -> None:
    account, other = make_account(balance=Decimal("1234.5")), make_account()

    cells = boss.get(f"{LIST}cells/?ids={account.pk},x,99999999999999999999999").json()

    assert list(cells) == [str(account.pk)]
    assert cells[str(account.pk)]["balance_now"] == "1,234.50"
    assert other.pk != account.pk


def test_states_are_labels_and_not_their_markup(boss: Client) -> None:
    make_account()
    make_account(agent=make_agent(status="offline", status_reason="gone"))
    for page in (LIST, "/admin/accounts/agent/"):
        shown = boss.get(page).content.decode()
        assert "&lt;span" not in shown
        assert "Online" in shown
        assert "gone" in shown


def test_what_an_agent_says_is_text_in_the_list_and_in_fresh_cells(boss: Client) -> None:
    agent = make_agent(status="error", status_reason="<script>alert(1)</script>")
    account = make_account(agent=agent, name="<b>bold</b>", holder="<i>x</i>")

    page = boss.get(LIST).content.decode()
    cells = boss.get(f"{LIST}cells/?ids={account.pk}").json()[str(account.pk)]

    assert "<script>alert(1)" not in page
    assert "<i>x</i>" not in page
    assert "&lt;script&gt;" in cells["state"]


@pytest.mark.both_databases
def test_the_list_is_searched_by_number_holder_name_and_firm(boss: Client) -> None:
    one = make_account(number=811_111, holder="Ana Ruiz", firm=make_firm("North"))
    two = make_account(number=822_222, name="Robot Seven")

    assert listed(boss, "q=8111") == {one.number}
    assert listed(boss, "q=ruiz") == {one.number}
    assert listed(boss, "q=seven") == {two.number}
    assert listed(boss, "q=north") == {one.number}


@pytest.mark.both_databases
def test_the_list_is_filtered_by_what_the_desk_asks_for(boss: Client) -> None:
    firm = make_firm(max_drawdown_pct=Decimal(10))
    near = make_account(firm=firm, equity=Decimal(91_000), open_positions=2)
    off = make_account(connected=False, open_positions=None)
    old = make_online_agent(last_seen_at=timezone.now() - timedelta(hours=1))
    stale = make_account(agent=old, connected=None)
    gone = make_account(agent=None)
    down = make_account(agent=make_agent(status="offline"))
    Conflict.objects.create(agent=old, number=gone.number, kind="two-agents", since=timezone.now())

    assert listed(boss, "state=online") == {near.number, stale.number}
    assert listed(boss, "state=disconnected") == {off.number}
    assert listed(boss, "state=offline") == {down.number}
    assert listed(boss, "state=none") == {gone.number}
    assert listed(boss, "state=stale") == {off.number, stale.number, gone.number, down.number}
    assert listed(boss, "limit=near") == {near.number}
    assert listed(boss, "open=yes") == {near.number}
    assert listed(boss, "open=unknown") == {off.number}
    assert listed(boss, "conflict=yes") == {gone.number}
    assert listed(boss, f"firm__id__exact={firm.pk}") == {near.number}
    assert listed(boss, "vs=yes") == set()
    assert near.number in listed(boss, "state=no-such-choice")


@pytest.mark.both_databases
@pytest.mark.parametrize("column", range(1, 16))
def test_the_list_is_sorted_by_every_column(boss: Client, column: int) -> None:
    make_account(balance=Decimal(1))
    make_account(balance=None, agent=None, phase=None)
    assert len(listed(boss, f"o={column}")) == 2
    assert len(listed(boss, f"o=-{column}")) == 2


@pytest.mark.both_databases
def test_setting_a_phase_says_how_many_accounts_changed(boss: Client) -> None:
    phase = Phase.objects.get(name="R")
    accounts = [make_account() for _ in range(3)] + [make_account(phase=phase)]

    response = act(boss, f"set_phase_{phase.pk}", *accounts)

    assert (
        said(response) == f"Phase set to R on 3 accounts; 1 was in R already: {accounts[3].number}."
    )
    assert Account.objects.filter(phase=phase).count() == 4
    changed = accounts[0].history.latest("history_date")
    assert (changed.phase, changed.history_user.is_superuser) == (phase, True)


@pytest.mark.both_databases
def test_setting_a_firm_asks_for_it_first(boss: Client) -> None:
    firm = make_firm("North")
    accounts = [make_account(), make_account(firm=firm)]

    asked = act(boss, "set_firm", *accounts)
    assert "Firm of 2 accounts" in asked.content.decode()
    chosen = {"firm": str(firm.pk), "_selected_action": [account.pk for account in accounts]}
    response = boss.post(LIST, {"action": "set_firm", "select_across": "0"} | chosen, follow=True)

    assert (
        said(response)
        == f"Firm set to North on 1 account; 1 was in it already: {accounts[1].number}."
    )
    assert Account.objects.filter(firm=firm).count() == 2


@pytest.mark.both_databases
def test_an_action_on_all_pages_reaches_every_account_of_the_filter(boss: Client) -> None:
    make_accounts(250)
    first = Account.objects.first()
    assert first is not None
    phase = Phase.objects.get(name="Q")

    response = act(boss, f"set_phase_{phase.pk}", first, select_across="1")

    assert "on 250 accounts" in said(response)


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_refreshing_says_what_was_read_and_what_failed(boss: Client, settings: Settings) -> None:
    settings.RECOVERY_RETRY_S = 0.01
    with ScriptedFleet() as fleet:
        good, bad = fleet.make_agents(2)
        accounts = [make_account(number=1, agent=good), make_account(number=2, agent=bad)]
        fleet.replies[1] = told(1, balance=777.0)
        fleet.failing.add(2)

        alone = make_account(agent=None)
        text = said(act(boss, "refresh_now", *accounts, alone))

    assert f"1 of 3 accounts have no agent that could be asked: {alone.number}." in text
    assert "1 account refreshed." in text
    assert "1 of 2 agents failed.<br>vps-0002: " in text
    accounts[0].refresh_from_db()
    assert accounts[0].balance == Decimal("777.00")


def test_accounts_are_not_added_by_hand(boss: Client) -> None:
    assert boss.get(f"{LIST}add/").status_code == 403


def test_deleting_says_that_a_reported_account_comes_back(boss: Client) -> None:
    account = make_account()

    asked = boss.get(f"{LIST}{account.pk}/delete/")
    assert "comes back with the next poll" in asked.content.decode()
    boss.post(f"{LIST}{account.pk}/delete/", {"post": "yes"})
    assert not Account.objects.exists()

    account = make_account()
    asked = act(boss, "delete_selected", account)
    assert "comes back with the next poll" in asked.content.decode()
    act(boss, "delete_selected", account, post="yes")
    assert not Account.objects.exists()


# --- who may do what --------------------------------------------------------------------------

VIEW = "accounts.view_account"
FIELDS = {"phase", "vs_group", "firm", "holder", "note", "initial_balance", "max_drawdown_pct"}


@pytest.mark.parametrize(
    ("permissions", "editable"),
    [
        ((VIEW,), set()),
        ((VIEW, "accounts.change_phase"), {"phase"}),
        ((VIEW, "accounts.change_vs"), {"vs_group"}),
        ((VIEW, "accounts.change_account"), FIELDS - {"phase", "vs_group"}),
        ((VIEW, "accounts.change_phase", "accounts.change_vs"), {"phase", "vs_group"}),
    ],
)
def test_each_permission_opens_its_own_fields_and_no_others(
    sign_in: SignIn, permissions: tuple[str, ...], editable: set[str]
) -> None:
    account, firm = make_account(holder="Ana"), make_firm()
    client, url = sign_in(*permissions), f"{LIST}{account.pk}/change/"
    everything = {
        "phase": str(Phase.objects.get(name="Q").pk),
        "vs_group": "VS1",
        "firm": str(firm.pk),
        "holder": "Eva",
        "note": "x",
        "initial_balance": "5",
        "max_drawdown_pct": "7",
    }

    page = client.get(url)
    fields = page.context["adminform"].form.fields
    assert {name for name in fields if name in FIELDS} == editable
    client.post(url, everything)

    row = Account.objects.get(pk=account.pk)
    changed = {name for name in FIELDS if getattr(row, name) != getattr(account, name)}
    assert changed == editable


@pytest.mark.parametrize(
    ("permissions", "in_list"),
    [
        ((VIEW,), []),
        ((VIEW, "accounts.change_phase"), ["phase"]),
        ((VIEW, "accounts.change_vs"), ["vs_group"]),
        ((VIEW, "accounts.change_account"), []),
    ],
)
def test_in_the_list_too(sign_in: SignIn, permissions: tuple[str, ...], in_list: list[str]) -> None:
    account = make_account()
    client = sign_in(*permissions)
    retired = str(Phase.objects.get(name="Q").pk)

    page = client.get(LIST).content.decode()
    for name in ("phase", "vs_group"):
        assert (f'name="form-0-{name}"' in page) == (name in in_list)
    posted = {
        "form-TOTAL_FORMS": "1",
        "form-INITIAL_FORMS": "1",
        "form-0-id": str(account.pk),
        "form-0-phase": retired,
        "form-0-vs_group": "VS1",
        "_save": "Save",
    }
    client.post(LIST, posted)

    row = Account.objects.get(pk=account.pk)
    assert (row.phase != account.phase) == ("phase" in in_list)
    assert (row.vs_group is not None) == ("vs_group" in in_list)


def test_actions_are_offered_and_obeyed_only_with_their_permission(sign_in: SignIn) -> None:
    account, phase = make_account(), Phase.objects.get(name="R")
    client = sign_in(VIEW)

    page = client.get(LIST).content.decode()
    assert "Set phase" not in page
    assert "Set firm" not in page
    assert "Refresh now" in page
    act(client, f"set_phase_{phase.pk}", account)
    act(client, "set_firm", account, firm="")

    account.refresh_from_db()
    assert account.phase.name == "F1"


def test_the_admin_is_closed_to_those_without_any_permission(sign_in: SignIn) -> None:
    client = sign_in()
    for model in ("account", "agent", "conflict", "phase", "firm", "vsgroup"):
        assert client.get(f"/admin/accounts/{model}/").status_code == 403
    assert client.get(f"{LIST}cells/?ids=1").status_code == 403
    assert client.get("/admin/accounts/agent/import/").status_code == 403
    page = client.get("/admin/").content.decode()
    assert "Accounts with fresh figures" not in page
