"""Somebody else writes between the look and the write: nothing is imported, and it is said."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from accounts import edits
from accounts.models import Account, Phase
from tests.factories import make_account, make_agent, make_user, make_versus
from tests.original.folder import TRADE, Folder, cached, database, waiting
from trading.original import moving

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def phase() -> None:
    edits.set_phase([Account.objects.get(number=5001)], Phase.objects.get(name="R"))


def group() -> None:
    edits.set_vs_group(Account.objects.get(number=5001), "Mine")


def full() -> None:
    for number in (4001, 4002):
        edits.set_vs_group(make_account(number=number), "VS1")


def agent() -> None:
    make_agent(name="VPS-2")


def account() -> None:
    make_account(number=5003)


def deleted() -> None:
    Account.objects.get(number=5002).delete()


def versus() -> None:
    make_versus(make_user(), account_b=Account.objects.get(number=5001))


@pytest.mark.parametrize(
    ("somebody", "sentence"),
    [
        (phase, "Somebody edited account 5001 just now"),
        (group, "Somebody edited account 5001 just now"),
        (full, "Somebody else wrote the same rows just now"),
        (agent, "Somebody else wrote the same rows just now"),
        (account, "Somebody else wrote the same rows just now"),
        (deleted, "Somebody deleted account 5002 just now"),
        (versus, "An account of versus ab12cd34 was taken just now"),
    ],
)
def test_what_somebody_does_meanwhile_stops_the_import(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    somebody: Callable[[], None],
    sentence: str,
) -> None:
    folder = Folder(tmp_path)
    make_account(number=5001), make_account(number=5002)
    folder.write(
        phases={"5001": "F2", "5003": "F2"},
        vs_data={"5001": "VS1"},
        versus_data=waiting(),
        trade_cache=cached(5002, TRADE),
    )
    user = make_user("trading.run_versus").username
    left: list[Any] = []

    def meanwhile(*args: Any) -> None:
        somebody()
        left.append(database())
        apply(*args)

    apply = moving.apply
    monkeypatch.setattr(moving, "apply", meanwhile)
    with pytest.raises(CommandError, match=f"{sentence}.*Run it again; nothing was written."):
        folder.run("--user", user)
    assert [database()] == left

    monkeypatch.undo()
    assert "Imported: " in folder.run("--user", user)


def test_pages_are_told_of_all_of_it_at_once(
    tmp_path: Path, django_capture_on_commit_callbacks: Any
) -> None:
    folder = Folder(tmp_path)
    here = make_account(number=5001)
    folder.write(phases={"5001": "F2", "5002": "F2"}, vs_data={"5003": "VS1"})
    with django_capture_on_commit_callbacks() as told:
        folder.run("--dry-run")
    assert not told
    with django_capture_on_commit_callbacks() as told:
        folder.run()
    (batch,) = told
    assert batch.accounts == {here.number, 5002, 5003}
    assert batch.added == {5002, 5003}
    assert len(batch.agents) == 2
