"""kill -9 of web process, worker and agents while orders flow; see benchmarks/chaos.py."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]


def test_no_order_is_lost_or_doubled_by_a_kill_of_each_process() -> None:
    run = [sys.executable, "-m", "benchmarks.chaos", "--minutes", "0", "--kills", "3"]
    ended = subprocess.run(
        [*run, "--accounts", "2"], cwd=ROOT, capture_output=True, text=True, timeout=280
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    names, counts = (line.strip("| \n").split(" | ") for line in ended.stdout.splitlines()[-3::2])
    told = dict(zip(names, map(int, counts), strict=True))
    assert told["kills"] == 3
    assert told["sent"] >= told["executed"] > 0
    assert (told["duplicated"], told["lost"], told["unresolved"]) == (0, 0, 0)
