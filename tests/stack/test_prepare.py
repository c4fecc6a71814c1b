"""What `prepare` leaves behind."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import brotli
import pytest

from mt5monitor.stack.programs import NOBODY_CAN_SIGN_IN
from tests import prepared
from tests.stack.stack import environment


@pytest.fixture(scope="module")
def state_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a first start."""
    folder = tmp_path_factory.mktemp("state")
    prepared.put_static(folder)
    run = [sys.executable, "-m", "mt5monitor.stack.prepare"]
    done = subprocess.run(run, env=environment(folder), capture_output=True, text=True)
    assert done.returncode == NOBODY_CAN_SIGN_IN, done.stdout + done.stderr
    return folder


def test_a_database_that_was_prepared_is_whole_in_its_one_file(
    state_dir: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.sqlite3"
    copy.write_bytes((state_dir / prepared.DATABASE).read_bytes())
    with sqlite3.connect(copy) as database:
        assert database.execute("SELECT COUNT(*) FROM accounts_phase").fetchone() == (4,)
    database.close()


def test_static_files_lie_packed_beside_themselves_and_are_what_they_were(state_dir: Path) -> None:
    packed = list((state_dir / "static").rglob("*.br"))
    names = {path.name.partition(".")[0] for path in packed}
    assert {"base", "live"} <= names
    for path in packed:
        assert brotli.decompress(path.read_bytes()) == path.with_suffix("").read_bytes()
