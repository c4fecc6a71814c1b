"""Other users of the machine cannot read what is kept in STATE_DIR."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from mt5monitor.state_dir import make_private, make_sqlite_private
from tests.stack.stack import ROOT, environment


@pytest.fixture
def umask() -> Iterator[None]:
    """The loosest, as long as the test does not change it, and afterwards what it was."""
    before = os.umask(0o000)
    yield
    os.umask(before)


@pytest.fixture
def folder(tmp_path: Path, umask: None) -> Path:
    """One that was used before, open to all."""
    folder = tmp_path / "state"
    (folder / "static" / "css").mkdir(parents=True)
    (folder / "log").mkdir()
    for name in ("secret_key", "mt5monitor.sqlite3", "log/web.log", "static/css/base.css"):
        (folder / name).touch()
    return folder


def open_to_others(folder: Path) -> list[str]:
    paths = [folder, *folder.rglob("*")]
    return [str(path) for path in paths if path.lstat().st_mode & 0o077]


def test_what_was_open_is_closed_and_stays_its_owners(folder: Path) -> None:
    assert len(open_to_others(folder)) == 8
    make_private(folder)
    assert open_to_others(folder) == []
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "secret_key").stat().st_mode) == 0o600


def test_what_is_made_afterwards_is_closed(folder: Path) -> None:
    make_private(folder)
    (folder / "later").mkdir()
    (folder / "later" / "file").write_text("x")
    assert open_to_others(folder) == []


def test_a_link_out_of_the_folder_changes_nothing_there(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").touch()
    (folder / "link").symlink_to(outside)
    make_private(folder)
    assert [stat.S_IMODE(p.stat().st_mode) for p in (outside, outside / "file")] == [0o777, 0o666]


@pytest.mark.parametrize("names", [(), ("lost+found",)])
def test_a_new_folder_that_was_made_open_is_closed(
    tmp_path: Path, umask: None, names: tuple[str, ...]
) -> None:
    folder = tmp_path / "new"
    folder.mkdir()
    for name in names:
        (folder / name).mkdir()
    make_private(folder)
    assert open_to_others(folder) == []


def test_a_folder_that_does_not_exist_is_not_made(tmp_path: Path, umask: None) -> None:
    make_private(tmp_path / "absent")
    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_a_worker_on_a_host_of_its_own_is_ours(tmp_path: Path, umask: None) -> None:
    """It holds no key where all are in the environment, and a volume may be opened by its mount."""
    for name in ("host.json", "host.lock"):
        (tmp_path / name).touch()
    tmp_path.chmod(0o755)
    make_private(tmp_path)
    assert open_to_others(tmp_path) == []


@pytest.mark.parametrize(("mode", "names"), [(0o755, ["a desk's own"]), (0o1777, ["secret_key"])])
def test_a_place_of_others_is_refused_and_left_as_it_is(
    tmp_path: Path, umask: None, mode: int, names: list[str]
) -> None:
    """Such as /srv, a home folder, /tmp."""
    folder = tmp_path / "shared"
    folder.mkdir()
    for name in names:
        (folder / name).touch()
    folder.chmod(mode)
    with pytest.raises(ImproperlyConfigured, match="Set STATE_DIR to a separate folder"):
        make_private(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == mode


@pytest.mark.parametrize("keeps", ["no modes", "them as they are"])
def test_a_file_that_cannot_be_closed_stops_the_start(
    folder: Path, monkeypatch: pytest.MonkeyPatch, keeps: str
) -> None:
    """As on some file systems, and for the file of another user."""

    def chmod(path: Path, mode: int) -> None:
        if keeps == "them as they are":
            raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "chmod", chmod)
    with pytest.raises(ImproperlyConfigured, match="open to other users .* `chmod -R go= /"):
        make_private(folder)


def test_the_files_of_a_database_elsewhere_are_closed(tmp_path: Path, umask: None) -> None:
    for name in ("db.sqlite3", "db.sqlite3-wal", "db.sqlite3-shm", "other"):
        (tmp_path / name).touch()
    make_sqlite_private(tmp_path / "db.sqlite3")
    closed = {path.name for path in tmp_path.iterdir() if not path.stat().st_mode & 0o077}
    assert closed == {"db.sqlite3", "db.sqlite3-wal", "db.sqlite3-shm"}
    make_sqlite_private(Path(":memory:"))


def manage(state_dir: Path, *words: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    command = f'umask 000; exec "$0" {ROOT / "manage.py"} "$@"'
    return subprocess.run(
        ["sh", "-c", command, sys.executable, *words],
        env=environment(state_dir) | settings,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize("elsewhere", [False, True])
def test_what_a_command_makes_is_closed_with_any_umask(tmp_path: Path, elsewhere: bool) -> None:
    settings = {"DATABASE_URL": f"sqlite:///{tmp_path / 'other.sqlite3'}"} if elsewhere else {}
    state_dir = tmp_path / "made" / "state"
    done = manage(state_dir, "migrate", "contenttypes", "-v0", **settings)
    assert done.returncode == 0, done.stderr
    done = manage(state_dir, "collectstatic", "--noinput", "-v0", DEBUG="1", **settings)
    assert done.returncode == 0, done.stderr
    assert open_to_others(tmp_path) == []
    made = {path.name for path in tmp_path.rglob("*")}
    database = "other.sqlite3" if elsewhere else "mt5monitor.sqlite3"
    assert {"secret_key", "instance_id", "static", database} <= made


def test_a_command_on_a_place_of_others_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "a desk's own").touch()
    tmp_path.chmod(0o755)
    done = manage(tmp_path, "check")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"STATE_DIR={tmp_path} is shared with other users or programs. Set STATE_DIR to a separate "
        f"folder, or close this one if only MT5 Monitor uses it: chmod 700 {tmp_path}"
    ]
