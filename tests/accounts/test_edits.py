"""What staff change, through the one door."""

import threading
from collections.abc import Callable
from functools import partial

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from accounts import edits
from accounts.models import Account, Phase, VSGroup
from tests.factories import make_account, make_firm

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture(autouse=True)
def shown(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    shown: list[int] = []
    monkeypatch.setattr("accounts.edits.publish_accounts", shown.extend)
    return shown


def test_setting_a_phase_changes_and_counts_only_those_that_differ(shown: list[int]) -> None:
    real = Phase.objects.get(name="R")
    already = make_account(phase=real)
    others = [make_account(), make_account()]
    assert edits.set_phase([already, *others], real) == 2
    assert shown == [account.number for account in others]
    assert set(Account.objects.values_list("phase__name", flat=True)) == {"R"}
    assert [account.history.count() for account in (already, *others)] == [1, 2, 2]


def test_a_phase_edit_does_not_undo_a_poll_or_another_edit() -> None:
    opened = make_account()
    Account.objects.update(balance=5, note="from somebody else")
    edits.set_phase([opened], Phase.objects.get(name="R"))
    account = Account.objects.get()
    assert (account.balance, account.note, str(account.phase)) == (5, "from somebody else", "R")


def test_a_firm_can_be_set_and_taken_away() -> None:
    account, firm = make_account(), make_firm()
    assert edits.set_firm([account], firm) == 1
    assert edits.set_firm(Account.objects.all(), None) == 1
    assert Account.objects.get().firm is None


def test_two_accounts_join_a_vs_group_and_a_third_is_told_who_is_in_it() -> None:
    first, second, third = make_account(), make_account(), make_account()
    assert edits.set_vs_group(first, "  VS   7 ")
    assert edits.set_vs_group(second, "VS 7")
    with pytest.raises(ValidationError, match=f"two members: {first.number}, {second.number}"):
        edits.set_vs_group(third, "VS 7")
    assert Account.objects.get(pk=third.pk).vs_group is None
    assert [account.vs_slot for account in Account.objects.all()] == ["A", "B", ""]


def test_a_vs_group_is_found_in_upper_and_lower_case() -> None:
    first, second = make_account(), make_account()
    edits.set_vs_group(first, "Gold")
    assert edits.set_vs_group(second, "GOLD")
    assert not edits.set_vs_group(second, "gold")
    assert [str(group) for group in VSGroup.objects.all()] == ["Gold"]
    assert VSGroup.objects.get().members.count() == 2


def test_leaving_a_vs_group_frees_its_slot_and_shows_the_other_member(shown: list[int]) -> None:
    first, second, third = make_account(), make_account(), make_account()
    edits.set_vs_group(first, "VS1")
    edits.set_vs_group(second, "VS1")
    shown.clear()
    assert edits.set_vs_group(first, "")
    assert set(shown) == {first.number, second.number}
    assert edits.set_vs_group(third, "VS1")
    assert Account.objects.get(pk=third.pk).vs_slot == "A"


def test_setting_the_same_vs_group_again_changes_nothing(shown: list[int]) -> None:
    account = make_account()
    edits.set_vs_group(account, "VS1")
    shown.clear()
    assert not edits.set_vs_group(account, "VS1")
    assert shown == []


def test_a_refused_member_leaves_no_empty_group_behind() -> None:
    account = make_account()
    with pytest.raises(ValidationError):
        edits.set_vs_group(account, "x" * 41)
    assert not VSGroup.objects.exists()


def test_a_pair_gets_a_name_that_is_free() -> None:
    VSGroup.objects.create(name="VS1")
    first, second = make_account(), make_account()
    group = edits.pair(first, second)
    assert group.name == "VS2"
    assert set(group.members.all()) == {first, second}
    with pytest.raises(ValidationError, match="is in VS group VS2"):
        edits.pair(first, make_account())
    with pytest.raises(ValidationError, match="two different"):
        edits.pair(first, first)


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_three_that_join_at_once_are_two_members() -> None:
    accounts = [make_account() for _ in range(3)]
    VSGroup.objects.create(name="VS1")
    joins = (partial(edits.set_vs_group, account, "VS1") for account in accounts)
    refused = run_at_once(*joins)
    assert Account.objects.filter(vs_group__name="VS1").count() == 2
    assert len(refused) == 1


def run_at_once(*edits_of_all: Callable[[], object]) -> list[str]:
    """Runs them at the same time, each on a thread; what those that were refused were told."""
    barrier = threading.Barrier(len(edits_of_all))
    refused: list[str] = []

    def run(edit: Callable[[], object]) -> None:
        barrier.wait()
        try:
            edit()
        except ValidationError as error:
            refused.append(error.messages[0])
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[edit]) for edit in edits_of_all]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return refused


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_pairs_that_are_made_at_once_are_all_made() -> None:
    pairs = [(make_account(), make_account()) for _ in range(6)]
    assert run_at_once(*(partial(edits.pair, *pair) for pair in pairs)) == []
    assert VSGroup.objects.count() == 6
    assert not Account.objects.filter(vs_group=None).exists()


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_of_two_that_want_the_same_account_in_a_pair_one_is_refused() -> None:
    wanted, first, second = make_account(), make_account(), make_account()
    refused = run_at_once(
        partial(edits.pair, wanted, first),
        partial(edits.pair, second, wanted),
        partial(edits.pair, first, wanted),
    )
    assert len(refused) == 2
    assert VSGroup.objects.get().members.count() == 2
