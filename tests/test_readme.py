"""What the README says is so: its commands run, its paths are there, its settings are read."""

import json
import re
import shlex
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scripted_fleet import ScriptedFleet, told
from tests.stack.stack import READY_S, environment, make

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
READS = re.compile(r'(?:env\.\w+\(|_number\(|environ\.get\(|environ\[)\s*"([A-Z_]+)"')


def commands() -> list[str]:
    """Every line of every block of shell commands, in order."""
    blocks = re.findall(r"```sh\n(.*?)```", README, re.S)
    return [line for block in blocks for line in block.splitlines() if line]


MANAGE = [command for command in commands() if command.startswith(".venv/bin/python manage.py ")]


def test_every_command_is_one_that_is_run_in_tests() -> None:
    """`make demo` in tests/stack/test_stack.py, the others here."""
    assert set(commands()) == {"make demo", "make test", *MANAGE}
    assert len(MANAGE) >= 3


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Path]:
    """A folder with the product in it and an `agents.json` of two agents that answer, and
    what a desk brings along that ran the original."""
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / "manage.py").symlink_to(ROOT / "manage.py")
    with ScriptedFleet() as fleet:
        fleet.replies = {1: told(5001), 2: told(5002)}
        agents = [{"name": f"VPS {index}", "url": fleet.url(index)} for index in (1, 2)]
        (tmp_path / "agents.json").write_text(json.dumps(agents))
        (tmp_path / "original" / "data").mkdir(parents=True)
        named = f"VPS_AGENTS_JSON={json.dumps(agents[:1])}"
        (tmp_path / "original" / ".env").write_text(named)
        yield tmp_path


def said(command: str, desk: Path) -> str:
    env = environment(desk / "state") | {"AGENT_ALLOWED_NETWORKS": "127.0.0.0/8"}
    done = subprocess.run(
        shlex.split(command), cwd=desk, env=env, capture_output=True, text=True, timeout=READY_S
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_commands_for_a_desk_bring_its_accounts_in(desk: Path) -> None:
    said(".venv/bin/python manage.py migrate", desk)
    output = {command: said(command, desk) for command in MANAGE}
    assert "2 added" in output[".venv/bin/python manage.py import_agents agents.json"]
    assert "2 agents read." in output[".venv/bin/python manage.py refresh_accounts"]
    with sqlite3.connect(desk / "state" / "mt5monitor.sqlite3") as database:
        assert database.execute("SELECT COUNT(*) FROM accounts_account").fetchone() == (2,)
    database.close()


needs_stamps = pytest.mark.skipif(
    not Path(sys.prefix, ".tests").exists(), reason="make has not made this environment"
)


@needs_stamps
def test_make_test_runs_the_tests_that_are_named(tmp_path: Path) -> None:
    process = make("test", tmp_path, ARGS="-q --collect-only tests/test_readme.py")
    output, _ = process.communicate(timeout=READY_S)
    assert process.returncode == 0, output
    assert "test_make_test_runs_the_tests_that_are_named" in output


def test_make_help_names_every_command_of_the_makefile() -> None:
    targets = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.M)[0].split()
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True)
    for target in set(targets) - {"help"}:
        assert f"make {target} " in done.stdout


def test_every_setting_that_is_read_is_told_and_every_one_told_is_read() -> None:
    folders = [ROOT / "mt5monitor" / name for name in ("settings", "stack")]
    files = [file for folder in folders for file in folder.glob("*.py")]
    read = {name for file in files for name in READS.findall(file.read_text())}
    assert settings_in_readme() == read


def settings_in_readme() -> set[str]:
    table = README.partition("## Settings")[2]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)}


def test_every_permission_that_is_told_is_one_that_exists(db: None) -> None:
    from django.contrib.auth.models import Permission

    told = set(re.findall(r"`(?:accounts|trading)\.(\w+)`", README.partition("## Who may")[2]))
    known = set(Permission.objects.filter(codename__in=told).values_list("codename", flat=True))
    assert told == known
    assert told


def test_every_path_that_is_named_is_there() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    words = re.findall(r"`([\w./-]+(?:\.py|\.js|/))`", README)
    made_later = {"var/"}
    homes = (ROOT, ROOT / "accounts")
    for path in {*links, *words} - made_later:
        assert any((home / path).exists() for home in homes), path
