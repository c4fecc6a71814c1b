"""Phases, firms, VS groups, users, and the first page."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import edits
from accounts.models import Account, Firm, Phase, VSGroup
from tests.admin.page_form import form_on
from tests.factories import make_account, make_agent, make_firm

MODELS = ["phase", "firm", "vsgroup"]


@pytest.mark.both_databases
@pytest.mark.parametrize("count", [5, 69])
@pytest.mark.parametrize("model", MODELS)
def test_lists_of_labels_cost_the_same_few_queries(boss: Client, model: str, count: int) -> None:
    Firm.objects.bulk_create(Firm(name=f"Firm {n}") for n in range(count))
    groups = VSGroup.objects.bulk_create(VSGroup(name=f"VS{n}") for n in range(count))
    Account.objects.bulk_create(
        Account(number=n + 1, vs_group=groups[n], vs_slot="A") for n in range(count)
    )
    boss.get(f"/admin/accounts/{model}/")
    with CaptureQueriesContext(connection) as queries:
        assert boss.get(f"/admin/accounts/{model}/").status_code == 200
    assert len(queries) == (5 if model == "vsgroup" else 4)


@pytest.mark.both_databases
def test_a_phase_is_added_and_changed_with_its_history(boss: Client) -> None:
    url = "/admin/accounts/phase/add/"
    form = form_on(boss.get(url), "phase_form")
    boss.post(url, form | {"name": "F3", "color": "teal", "order": "9"})
    phase = Phase.objects.get(name="F3")
    url = f"/admin/accounts/phase/{phase.pk}/change/"
    boss.post(url, form_on(boss.get(url), "phase_form") | {"description": "third step"})

    phase.refresh_from_db()
    assert phase.description == "third step"
    assert phase.history.count() == 2
    assert "third step" in boss.get(f"/admin/accounts/phase/{phase.pk}/history/").content.decode()


@pytest.mark.both_databases
def test_a_second_default_phase_is_refused_with_what_to_do(boss: Client) -> None:
    phase = Phase.objects.get(name="R")
    url = f"/admin/accounts/phase/{phase.pk}/change/"
    refused = boss.post(url, form_on(boss.get(url), "phase_form") | {"is_default": "on"})
    assert "Another phase is the default one" in refused.content.decode()


@pytest.mark.both_databases
def test_a_phase_that_accounts_are_in_is_not_deleted(boss: Client) -> None:
    account = make_account()
    boss.post(f"/admin/accounts/phase/{account.phase_id}/delete/", {"post": "yes"})
    assert Phase.objects.filter(pk=account.phase_id).exists()


@pytest.mark.both_databases
def test_a_firm_with_an_impossible_limit_is_refused(boss: Client) -> None:
    firm = make_firm()
    url = f"/admin/accounts/firm/{firm.pk}/change/"
    refused = boss.post(url, form_on(boss.get(url), "firm_form") | {"max_drawdown_pct": "101"})
    assert refused.context["adminform"].form.errors["max_drawdown_pct"]


@pytest.mark.both_databases
def test_a_vs_group_shows_its_members_read_only(boss: Client) -> None:
    account = make_account(holder="Ana Ruiz")
    edits.set_vs_group(account, "VS1")
    group = VSGroup.objects.get()
    page = boss.get(f"/admin/accounts/vsgroup/{group.pk}/change/").content.decode()
    assert "Ana Ruiz" in page
    assert 'name="members-0-holder"' not in page
    assert f"A {account.number}" in boss.get("/admin/accounts/vsgroup/").content.decode()


@pytest.mark.both_databases
def test_the_first_page_counts_the_fleet_in_a_few_queries(boss: Client) -> None:
    for _ in range(3):
        make_account()
    make_agent(status="offline")
    boss.get("/admin/")
    with CaptureQueriesContext(connection) as queries:
        page = boss.get("/admin/").content.decode()
    assert "3 of 3" in page
    assert "Agents: offline" in page
    # Session, user, the three counts, recent actions.
    assert len(queries) == 6


@pytest.mark.both_databases
@pytest.mark.parametrize("path", ["auth/user/", "auth/user/add/", "auth/group/", "auth/group/add/"])
def test_people_are_managed_with_the_forms_of_the_theme(boss: Client, path: str) -> None:
    page = boss.get(f"/admin/{path}")
    assert page.status_code == 200
