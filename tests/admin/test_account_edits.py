"""Editing accounts in the admin: forms that are old, two people at once, VS groups, history."""

import re
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import edits
from accounts.models import Account, Phase, VSGroup
from tests.admin.page_form import form_on, said
from tests.factories import make_account, make_firm

LIST = "/admin/accounts/account/"


def change_url(account: Account) -> str:
    return reverse("admin:accounts_account_change", args=[account.pk])


def open_form(client: Client, account: Account) -> dict[str, str]:
    return form_on(client.get(change_url(account)), "account_form")


def open_list(client: Client) -> dict[str, str]:
    return form_on(client.get(LIST), "changelist-form") | {"_save": "Save"}


def save(client: Client, account: Account, form: dict[str, str]) -> Any:
    return client.post(change_url(account), form)


def row_in(form: dict[str, str], account: Account) -> str:
    """The prefix of the account's row in the list's form."""
    ids = (name for name in form if name.endswith("-id") and not name.startswith("initial-"))
    found = [name for name in ids if form[name] == str(account.pk)]
    return found[0].removesuffix("-id")


@pytest.mark.both_databases
def test_a_form_opened_before_a_poll_does_not_undo_the_poll(boss: Client) -> None:
    account = make_account(balance=Decimal(100))
    form = open_form(boss, account)
    Account.objects.filter(pk=account.pk).update(balance=Decimal(250), open_positions=3)

    response = save(boss, account, form | {"note": "seen"})

    assert response.status_code == 302
    account.refresh_from_db()
    assert (account.balance, account.open_positions, account.note) == (Decimal(250), 3, "seen")


def test_a_save_names_only_the_columns_that_its_form_changed(boss: Client) -> None:
    # Whatever is polled between the reading of the row and its saving stays.
    account = make_account()
    form = open_form(boss, account)
    with CaptureQueriesContext(connection) as queries:
        save(boss, account, form | {"note": "seen"})
    updates = [query["sql"] for query in queries if query["sql"].startswith("UPDATE")]
    (update,) = [sql for sql in updates if '"accounts_account"' in sql]
    assert re.findall(r'"(\w+)" = ', update.partition("WHERE")[0]) == ["note", "edited_at"]


def test_two_people_who_edit_different_fields_keep_each_others_edit(boss: Client) -> None:
    account = make_account(holder="Ana")
    form = open_form(boss, account)
    edits.set_phase([Account.objects.get(pk=account.pk)], Phase.objects.get(name="R"))
    Account.objects.filter(pk=account.pk).update(holder="Eva")

    save(boss, account, form | {"note": "mine"})

    account.refresh_from_db()
    assert (account.phase.name, account.holder, account.note) == ("R", "Eva", "mine")
    newest = account.history.latest("history_date")
    assert (newest.phase.name, newest.holder) == ("R", "Eva"), "the history must be true as well"


def test_whoever_edits_the_same_field_second_is_told_and_may_then_overwrite(boss: Client) -> None:
    account = make_account(holder="Ana")
    form = open_form(boss, account)
    Account.objects.filter(pk=account.pk).update(holder="Eva")

    refused = save(boss, account, form | {"holder": "Luz"})

    assert refused.status_code == 200
    assert "Somebody else changed this to “Eva” meanwhile" in refused.content.decode()
    account.refresh_from_db()
    assert account.holder == "Eva"
    again = form_on(refused, "account_form")
    assert again["holder"] == "Luz"
    assert save(boss, account, again).status_code == 302
    account.refresh_from_db()
    assert account.holder == "Luz"


def test_a_phase_that_changed_meanwhile_is_named_in_the_refusal(boss: Client) -> None:
    account = make_account()
    form = open_list(boss)
    edits.set_phase([Account.objects.get(pk=account.pk)], Phase.objects.get(name="R"))
    chosen = {f"{row_in(form, account)}-phase": str(Phase.objects.get(name="Q").pk)}

    refused = boss.post(LIST, form | chosen)

    assert "Somebody else changed this to “R” meanwhile" in refused.content.decode()
    account.refresh_from_db()
    assert account.phase.name == "R"


def test_a_list_opened_before_other_edits_changes_only_the_edited_field(
    boss: Client,
) -> None:
    mine, other = make_account(), make_account()
    form = open_list(boss)
    edits.set_phase([Account.objects.get(pk=other.pk)], Phase.objects.get(name="R"))
    edits.set_vs_group(Account.objects.get(pk=mine.pk), "VS9")
    Account.objects.filter(pk=mine.pk).update(balance=Decimal(7))
    chosen = {f"{row_in(form, mine)}-phase": str(Phase.objects.get(name="F2").pk)}

    response = boss.post(LIST, form | chosen, follow=True)

    assert "1 account was changed" in said(response)
    mine.refresh_from_db()
    other.refresh_from_db()
    assert (mine.phase.name, mine.vs_group.name, mine.balance) == ("F2", "VS9", Decimal(7))
    assert other.phase.name == "R"


@pytest.mark.both_databases
def test_a_list_saved_untouched_writes_nothing(boss: Client) -> None:
    account = make_account(phase=None)
    before = account.history.count()

    boss.post(LIST, open_list(boss))

    account.refresh_from_db()
    assert account.edited_at is None
    assert account.history.count() == before


def test_a_phase_cannot_be_taken_away(boss: Client) -> None:
    account = make_account()
    form = open_list(boss)

    refused = boss.post(LIST, form | {f"{row_in(form, account)}-phase": ""})

    assert "Choose a phase." in refused.content.decode()
    account.refresh_from_db()
    assert account.phase.name == "F1"


def test_a_third_member_of_a_vs_group_is_refused_on_its_field(boss: Client) -> None:
    first, second, third = make_account(), make_account(), make_account()
    for account in (first, second):
        edits.set_vs_group(account, "VS1")

    refused = save(boss, third, open_form(boss, third) | {"vs_group": "VS1", "note": "x"})

    text = f"VS group VS1 already has two members: {first.number}, {second.number}."
    assert refused.context["adminform"].form.errors["vs_group"] == [text]
    third.refresh_from_db()
    assert (third.vs_group, third.note) == (None, "")


@pytest.mark.both_databases
def test_of_three_rows_that_join_one_group_in_the_list_nothing_is_saved(boss: Client) -> None:
    accounts = [make_account() for _ in range(3)]
    form = open_list(boss)
    joined = {f"{row_in(form, account)}-vs_group": "VS1" for account in accounts}

    refused = boss.post(LIST, form | joined)

    assert "VS group VS1 already has two members" in refused.content.decode()
    assert not Account.objects.exclude(vs_group=None).exists()
    assert not VSGroup.objects.exists()


@pytest.mark.both_databases
def test_a_member_that_leaves_makes_room_for_one_that_joins_in_either_order(
    boss: Client,
) -> None:
    joins, leaves, stays = make_account(), make_account(), make_account()
    for account in (leaves, stays):
        edits.set_vs_group(account, "VS1")
    form = open_list(boss)
    moves = {f"{row_in(form, joins)}-vs_group": "VS1", f"{row_in(form, leaves)}-vs_group": ""}

    response = boss.post(LIST, form | moves)

    assert response.status_code == 302
    members = set(VSGroup.objects.get(name="VS1").members.values_list("number", flat=True))
    assert members == {joins.number, stays.number}


@pytest.mark.both_databases
def test_a_vs_group_filled_between_look_and_write_saves_nothing_and_says_so(
    boss: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, late = make_account(), make_account(), make_account()
    real = edits.set_vs_group

    def beaten(account: Account, name: str) -> bool:
        for other in (first, second):
            real(Account.objects.get(pk=other.pk), name)
        return real(account, name)

    monkeypatch.setattr("accounts.admin.account_forms.edits.set_vs_group", beaten)
    form = open_form(boss, late)

    response = boss.post(change_url(late), form | {"vs_group": "VS1", "note": "x"}, follow=True)

    assert "Nothing was saved. VS group VS1 already has two members" in said(response)
    late.refresh_from_db()
    assert (late.vs_group, late.note) == (None, "")


def test_a_phase_a_firm_and_a_group_set_in_one_form_are_all_saved(boss: Client) -> None:
    account, firm = make_account(), make_firm("Firm A")
    chosen = {
        "phase": str(Phase.objects.get(name="R").pk),
        "firm": str(firm.pk),
        "vs_group": " VS 7 ",
    }

    save(boss, account, open_form(boss, account) | chosen)

    account.refresh_from_db()
    assert (account.phase.name, account.firm, account.vs_group.name) == ("R", firm, "VS 7")
    assert account.edited_at is not None


@pytest.mark.both_databases
@pytest.mark.parametrize("typed", ["abc", "1e999", "NaN", "-", "9" * 30])
def test_a_bad_figure_is_refused_on_its_field_and_changes_nothing(boss: Client, typed: str) -> None:
    account = make_account(initial_balance=Decimal(500))

    refused = save(
        boss, account, open_form(boss, account) | {"initial_balance": typed, "note": "x"}
    )

    assert refused.context["adminform"].form.errors["initial_balance"]
    account.refresh_from_db()
    assert (account.initial_balance, account.note) == (Decimal(500), "")


def test_polled_columns_that_are_posted_are_ignored(boss: Client) -> None:
    account = make_account(balance=Decimal(100))
    form = open_form(boss, account)

    save(boss, account, form | {"balance": "1", "number": "1", "agent": "", "note": "x"})

    account.refresh_from_db()
    assert (account.balance, account.note) == (Decimal(100), "x")
    assert account.agent is not None


@pytest.mark.both_databases
def test_the_history_page_tells_who_changed_what_and_offers_no_way_back(boss: Client) -> None:
    account = make_account()
    edits.set_vs_group(account, "VS1")
    save(boss, account, open_form(boss, account) | {"note": "first"})
    save(boss, account, open_form(boss, account) | {"note": "second"})
    url = reverse("admin:accounts_account_history", args=[account.pk])

    page = boss.get(url).content.decode()

    assert "first → second" in page
    assert "nothing → first" in page
    assert "Deleted" not in page
    assert "user-" in page
    version = account.history.earliest("history_date")
    revert = reverse("admin:accounts_account_simple_history", args=[account.pk, version.pk])
    assert boss.post(revert, {"note": "back"})["location"] == url
    account.refresh_from_db()
    assert account.note == "second"
