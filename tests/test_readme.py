"""The commands of the README and of the pages for operators, run as they stand there."""

import json
import re
import shlex
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import prepared
from tests.documents import ROOT, Document
from tests.scripted_fleet import ScriptedFleet, told
from tests.stack.stack import READY_S, environment, make

README = Document(ROOT / "README.md")
# It asks for what it needs; tests/stack/test_procfile.py sees that the stack names it.
ASKS = ".venv/bin/python manage.py createsuperuser"


def desk_commands(page: str) -> list[str]:
    """Those of a page for operators that a desk runs in the folder of the product."""
    found = Document(ROOT / f"docs/operations/{page}.md").commands
    return [one for one in found if one.startswith(".venv/bin/python ") and one != ASKS]


def test_the_readme_needs_two_commands() -> None:
    """`make demo` is run in tests/stack/test_stack.py, `make test` below."""
    assert README.commands == ["make demo", "make test"]


def test_the_readme_fits_its_readers() -> None:
    assert len(README.text.splitlines()) < 150


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
    env = environment(desk / "var") | {"AGENT_ALLOWED_NETWORKS": "127.0.0.0/8"}
    done = subprocess.run(
        shlex.split(command), cwd=desk, env=env, capture_output=True, text=True, timeout=READY_S
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.long
def test_the_commands_for_a_desk_bring_its_accounts_in(desk: Path) -> None:
    said(".venv/bin/python manage.py migrate", desk)
    output = {command: said(command, desk) for command in desk_commands("install")}
    assert "2 added" in output[".venv/bin/python manage.py import_agents agents.json"]
    assert "2 agents read." in output[".venv/bin/python manage.py refresh_accounts"]
    with sqlite3.connect(desk / "var" / "mt5monitor.sqlite3") as database:
        assert database.execute("SELECT COUNT(*) FROM accounts_account").fetchone() == (2,)
    database.close()


@pytest.mark.long
def test_the_commands_move_a_desk_in_from_the_original_and_back_it_up(desk: Path) -> None:
    (desk / "var").mkdir(mode=0o700)
    prepared.put_database(desk / "var" / prepared.DATABASE)  # the test above begins without one
    said(".venv/bin/python manage.py migrate", desk)
    commands = [*desk_commands("import-original"), *desk_commands("backup")]
    assert len(commands) >= 3
    for command in commands:
        said(command, desk)
    with sqlite3.connect(desk / "backup.sqlite3") as database:
        assert database.execute("SELECT COUNT(*) FROM accounts_agent").fetchone() == (1,)
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
