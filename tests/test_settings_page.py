"""Each setting is declared once, where it is read, and the settings page shows them all."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command

from mt5monitor import declared, env
from mt5monitor.declared import DECLARED, Group, Setting, declare
from mt5monitor.settings_page import page
from mt5monitor.stack import environment

ROOT = Path(__file__).resolve().parent.parent
PAGE = "docs/operations/settings.md"
# Environment variables that are not settings of this project: Django's, libpq's, Kubernetes's.
OTHERS = {"DJANGO_SETTINGS_MODULE", "PGCONNECT_TIMEOUT", "PGOPTIONS", "KUBERNETES_SERVICE_HOST"}


@pytest.fixture
def declarations(monkeypatch: pytest.MonkeyPatch) -> dict[str, Setting]:
    """The declarations, none at first."""
    found: dict[str, Setting] = {}
    monkeypatch.setattr(declared, "DECLARED", found)
    return found


def test_the_page_shows_the_declarations() -> None:
    assert (ROOT / PAGE).read_text() == page(DECLARED.values()), "run manage.py settings_page"


def test_the_page_does_not_depend_on_the_environment(tmp_path: Path) -> None:
    own = {"STATE_DIR": f"{tmp_path}", "PORT": "9000", "PUBLIC_URL": "https://m.example.com"}
    own |= {"DATABASE_URL": f"sqlite:///{tmp_path / 'x.sqlite3'}", "SECRET_KEY": "x" * 50}
    own |= {"PASSWORDS_AT_ONCE": "3", "ALLOWED_HOSTS": "a", "MFA_REQUIRED": "0", "SEED": "2"}
    command = [sys.executable, "manage.py", "settings_page", "--check"]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | own, capture_output=True, text=True)
    assert done.stdout == f"{PAGE} is up to date.\n", done.stderr


def test_the_command_writes_the_page_and_checks_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = SimpleNamespace(BASE_DIR=tmp_path)
    monkeypatch.setattr("mt5monitor.hosts.management.commands.settings_page.settings", root)
    with pytest.raises(CommandError, match="differs from the declarations: run manage.py"):
        call_command("settings_page", "--check")
    assert list(tmp_path.iterdir()) == []
    call_command("settings_page")
    call_command("settings_page", "--check")
    assert (tmp_path / PAGE).read_text() == page(DECLARED.values())
    assert capsys.readouterr().out == f"{PAGE} was written.\n{PAGE} is up to date.\n"


def test_every_setting_that_is_read_is_declared_and_the_reverse() -> None:
    files = [ROOT / "manage.py"]
    files += [file for app in ("mt5monitor", "accounts", "trading") for file in python_of(app)]
    read = {name for file in files for name in names_read(ast.parse(file.read_text()))}
    assert read - OTHERS == set(DECLARED)
    assert read > OTHERS, "a name that is no longer read"


def python_of(app: str) -> list[Path]:
    return [file for file in (ROOT / app).rglob("*.py") if "migrations" not in file.parts]


def names_read(tree: ast.AST) -> Iterator[str]:
    """The variables named in `env.int("X", ...)`, `_number("X", ...)`, `os.environ["X"]`, and in
    the other ways of reading one."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name("env") | ast.Attribute(attr="environ"))
                | ast.Name("_number"),
                args=[ast.Constant(str() as name), *_],
            ):
                yield name
            case ast.Subscript(
                value=ast.Attribute(attr="environ"), slice=ast.Constant(str() as name)
            ):
                yield name
            case ast.Compare(
                left=ast.Constant(str() as name), comparators=[ast.Attribute(attr="environ")]
            ):
                yield name


def test_what_the_stack_reads_itself_has_the_default_that_is_declared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in DECLARED:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(environment, "read_env", lambda path: frozenset())
    found = environment.read_environment()
    defaults = {name: DECLARED[name].default for name in ("PORT", "BIND", "ACCOUNTS", "SEED")}
    assert list(defaults.values()) == [
        f"{value}" for value in (found.port, found.bind, found.accounts, found.seed)
    ]
    assert (found.state_dir, found.plain_http) == (ROOT / "var", False)


def test_every_setting_has_a_sentence() -> None:
    for setting in DECLARED.values():
        assert setting.help[0].isupper(), setting
        assert setting.help.endswith("."), setting
        assert setting.accepts, setting
        assert setting.default, setting


def test_a_setting_is_declared_once(declarations: dict[str, Setting]) -> None:
    setting = Setting("NAME", Group.SITE, "whole number", "7", "Seven.")
    declare(setting)
    declare(setting)
    with pytest.raises(ValueError, match="The setting NAME is declared twice"):
        declare(Setting("NAME", Group.SITE, "whole number", "8", "Eight."))
    assert declarations == {"NAME": setting}


def test_a_reader_declares_what_it_reads(declarations: dict[str, Setting]) -> None:
    reader = env.Env(Group.SITE)
    reader.float("NAME_S", 0.5, "Half.", unit="seconds", limits="0.1 or more")
    reader.choice("NAME_C", "a", ("a", "b"), "Either | or.")
    reader.str("NAME_P", "", "A path.", kind="path", shown="made once")
    reader.int("ELSEWHERE", 1)
    table = page(declarations.values()).partition("## Pages and files\n")[2]
    assert table.splitlines()[2:5] == [
        "| `NAME_S` | number of seconds, 0.1 or more | 0.5 | Half. |",
        "| `NAME_C` | a or b | a | Either \\| or. |",
        "| `NAME_P` | path | made once | A path. |",
    ]
    assert len(declarations) == 3
