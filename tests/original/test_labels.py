"""Phases and VS groups: taken, joined, and left to people once they have said something."""

from typing import Any

import pytest

from accounts import edits
from accounts.models import Account, Phase, VSGroup
from tests.factories import make_account, make_user
from tests.original.folder import Folder, database

pytestmark = pytest.mark.django_db


def phase_of(number: int) -> str:
    return str(Account.objects.get(number=number).phase)


def group_of(number: int) -> str:
    account = Account.objects.get(number=number)
    return f"{account.vs_group}/{account.vs_slot}"


def test_case_and_blanks_of_a_phase_are_forgiven_and_others_are_not_invented(
    folder: Folder,
) -> None:
    told = {"5001": " f2 ", "5002": "r", "5003": "F 1", "5004": "F9", "5005": "<b>Q</b>"}
    folder.write(phases=told)
    said = folder.run()
    assert [phase_of(number) for number in (5001, 5002, 5003)] == ["F2", "R", "F1"]
    assert "5004 skipped there is no phase “F9” here" in said
    assert "5005 skipped there is no phase “<b>Q</b>” here" in said
    assert set(Phase.objects.values_list("name", flat=True)) == {"F1", "F2", "R", "Q"}
    assert Account.objects.count() == 3


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("0", "F2", "0 skipped The key is 0, which is no account number."),
        ("-5", "F2", "-5 skipped This is no account number."),
        ("٥٠٠١", "F2", "skipped This is no account number."),
        ("", "F2", "(empty) skipped This is no account number."),
        ("<i>", "F2", "<i> skipped This is no account number."),
        ("9" * 18, "F2", "which is no account number."),
        ("9" * 5000, "F2", "… skipped This is no account number."),
        ("5001", 2, "5001 skipped The phase must be text, not a number."),
        ("5001", None, "5001 skipped The phase must be text, not nothing."),
        ("5001", ["F2"], "5001 skipped The phase must be text, not a list."),
        ("5001", float("nan"), "5001 skipped The phase must be text, not nan, which is no number."),
        ("5001", "x" * 10_000, "5001 skipped there is no phase “xxx"),
        ("5001", "", "5001 skipped there is no phase “” here"),
    ],
)
def test_an_entry_that_says_nothing_usable_is_skipped(
    folder: Folder, key: str, value: Any, sentence: str
) -> None:
    folder.write(phases={key: value, "5009": "F2"})
    assert sentence in folder.run()
    assert list(Account.objects.values_list("number", flat=True)) == [5009]


def test_one_account_under_two_keys_counts_once(folder: Folder) -> None:
    folder.write(phases={"5001": "F2", " 05001": "R"})
    assert "account 5001 stands twice in the file" in folder.run()
    assert phase_of(5001) == "F2"


def test_an_account_that_is_watched_already_takes_phase_and_group(folder: Folder) -> None:
    account = make_account(number=5001, note="kept")
    folder.write(phases={"5001": "Q"}, vs_data={"5001": "VS7"})
    said = folder.run()
    assert "5001 changed F1 → Q" in said
    assert (phase_of(5001), group_of(5001)) == ("Q", "VS7/A")
    account.refresh_from_db()
    assert (account.note, account.agent is None) == ("kept", False)


@pytest.mark.both_databases
def test_what_a_person_said_since_stays(folder: Folder) -> None:
    folder.write(phases={"5001": "F2", "5002": "F2"}, vs_data={"5001": "VS1", "5002": "VS1"})
    folder.run()
    first, second = Account.objects.all()
    first._history_user = make_user(first_name="Eva")  # type: ignore[attr-defined]
    edits.set_phase([first], Phase.objects.get(name="R"))
    edits.set_vs_group(second, "Mine")
    before = database()

    said = folder.run()

    assert "5001 kept R, as set here by user-" in said
    assert "the original says F2" in said
    assert "5002 kept in Mine, as set here on" in said
    assert "0 taken, 0 changed" in said
    assert database() == before


def test_a_phase_that_a_person_set_back_to_the_first_one_stays(folder: Folder) -> None:
    account = make_account(number=5001)
    for name in ("R", "F1"):
        edits.set_phase([account], Phase.objects.get(name=name))
    folder.write(phases={"5001": "F2"})
    assert "5001 kept F1, as set here" in folder.run()
    assert phase_of(5001) == "F1"


def test_an_account_that_was_taken_out_of_its_group_stays_out(folder: Folder) -> None:
    folder.write(vs_data={"5001": "VS1"})
    folder.run()
    edits.set_vs_group(Account.objects.get(), "")
    assert "5001 kept in no group, as set here" in folder.run()
    assert group_of(5001) == "None/"


def test_another_edit_of_the_account_keeps_nothing_from_changing(folder: Folder) -> None:
    account = make_account(number=5001)
    account.note = "a word"
    account.save(update_fields=["note"])
    folder.write(phases={"5001": "F2"})
    assert "5001 changed F1 → F2" in folder.run()


def test_what_the_original_changed_since_is_changed_here(folder: Folder) -> None:
    folder.write(phases={"5001": "F1"}, vs_data={"5001": "VS1"})
    folder.run()
    folder.write(phases={"5001": "F2"}, vs_data={"5001": "VS2"})
    said = folder.run()
    assert "5001 changed F1 → F2" in said
    assert "5001 changed VS1 → VS2" in said
    assert (phase_of(5001), group_of(5001)) == ("F2", "VS2/A")


def test_a_deleted_account_and_a_renamed_group_do_not_come_back(
    folder: Folder,
) -> None:
    folder.write(phases={"5001": "F2"}, vs_data={"5001": "VS1", "5002": "VS2"})
    folder.run()
    Account.objects.get(number=5001).delete()
    group = VSGroup.objects.get(name="VS2")
    group.name = "Gold"
    group.save()
    before = database()
    said = folder.run()
    assert said.count("5001 kept it was taken before, and somebody deleted the account") == 2
    assert "5002 kept in Gold, which is what VS2 was renamed to" in said
    assert database() == before


def test_a_third_member_is_skipped_and_told_who_the_two_are(folder: Folder) -> None:
    folder.write(vs_data={"5001": "vs1", "5002": " VS1", "5003": "Vs1"})
    said = folder.run()
    assert "5003 skipped VS1 has two members already: 5001 and 5002" in said
    assert [group_of(number) for number in (5001, 5002)] == ["VS1/A", "VS1/B"]
    assert Account.objects.count() == 2, "a row that would keep nothing is not made"


@pytest.mark.both_databases
def test_a_group_that_is_here_in_another_case_is_joined(folder: Folder) -> None:
    edits.set_vs_group(make_account(number=4001), "Vs1")
    folder.write(vs_data={"5001": "VS1", "5002": "VS1"})
    assert "5002 skipped Vs1 has two members already: 4001 and 5001" in folder.run()
    assert group_of(5001) == "Vs1/B"
    assert VSGroup.objects.count() == 1


@pytest.mark.both_databases
def test_pairs_that_trade_members_do_so_in_an_order_that_can_be(folder: Folder) -> None:
    folder.write(vs_data={"1": "VS1", "2": "VS1", "3": "VS2"})
    folder.run()
    folder.write(vs_data={"3": "VS1", "2": "VS3"})
    folder.run()
    assert [group_of(number) for number in (1, 2, 3)] == ["VS1/A", "VS3/A", "VS1/B"]


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (1, "The VS group must be text, not a number."),
        ("x" * 41, "has more than 40 characters"),
        ("V\u202eS", "holds characters that cannot be shown"),
    ],
)
def test_a_group_that_cannot_be_is_skipped(folder: Folder, value: Any, sentence: str) -> None:
    folder.write(vs_data={"5001": value, "5002": "", "5003": " <b>vs</b> "})
    assert sentence in folder.run()
    assert group_of(5003) == "<B>VS</B>/A"
    assert Account.objects.count() == 1
