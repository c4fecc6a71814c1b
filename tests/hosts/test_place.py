"""Where a file, a machine and a database are, and what is taken for another place."""

import shutil
from pathlib import Path

import pytest
from django.db import connection

from mt5monitor.hosts import place

pytestmark = pytest.mark.both_databases


@pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL is a cluster")
def test_a_database_is_known_by_its_cluster_and_its_number_there(db: None) -> None:
    word, cluster, number = place.of_database().split()
    assert word == "postgresql"
    assert int(cluster) > 0
    assert int(number) > 0


@pytest.mark.parametrize(
    ("one", "other", "are_two"),
    [
        ("", "", False),
        ("born 1", "", False),
        ("", "born 1", False),
        ("born 1", "born 1", False),
        ("born 1", "born 2", True),
        ("born 1", "inode 2", False),
        ("inode 1", "inode 2", True),
        ("postgresql 1 2", "database 2", False),
        ("postgresql 1 2", "postgresql 1 3", True),
    ],
)
def test_two_places_are_told_apart_only_where_both_are_known(
    one: str, other: str, are_two: bool
) -> None:
    assert place.differ(one, other) is are_two


def test_the_id_of_an_image_is_no_machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each build of an image may have another one, and trading goes on after it."""
    known, inside = tmp_path / "machine-id", tmp_path / ".dockerenv"
    known.write_text("abc\n")
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setattr(place, "MACHINE_IDS", (known,))
    monkeypatch.setattr(place, "CONTAINERS", (inside,))
    assert place.of_machine() == "machine abc"
    inside.touch()
    assert place.of_machine() == ""


def test_a_file_keeps_its_place_under_another_name_and_no_copy_has_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("x")
    before = place.of_file(path)
    path.write_text("y")
    assert place.of_file(path) == before
    copy = Path(shutil.copy2(path, tmp_path / "copy"))
    assert place.of_file(copy) != before
    assert place.of_file(path.rename(tmp_path / "other")) == before
