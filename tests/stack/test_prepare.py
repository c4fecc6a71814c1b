"""What `prepare` leaves behind."""

import sqlite3
import subprocess
import sys
from pathlib import Path

from mt5monitor.stack.programs import NOBODY_CAN_SIGN_IN
from tests import prepared
from tests.stack.stack import environment


def test_a_database_that_was_prepared_is_whole_in_its_one_file(tmp_path: Path) -> None:
    prepared.put_static(tmp_path)
    run = [sys.executable, "-m", "mt5monitor.stack.prepare"]
    done = subprocess.run(run, env=environment(tmp_path), capture_output=True, text=True)
    assert done.returncode == NOBODY_CAN_SIGN_IN, done.stdout + done.stderr
    copy = tmp_path / "copy.sqlite3"
    copy.write_bytes((tmp_path / prepared.DATABASE).read_bytes())
    with sqlite3.connect(copy) as database:
        assert database.execute("SELECT COUNT(*) FROM accounts_phase").fetchone() == (4,)
    database.close()
