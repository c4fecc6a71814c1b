"""The `.env` file: every line of it counts, or the start stops at the first that does not."""

import shutil
import subprocess
import sys
from pathlib import Path

import environ
import pytest
from django.core.exceptions import ImproperlyConfigured

from mt5monitor.declared import DECLARED
from mt5monitor.envfile import read_env, unknown_names
from tests.stack.stack import environment, free_port

ROOT = Path(__file__).resolve().parent.parent
URL = "postgres://user:password@host/name"


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment, empty at first."""
    found: dict[str, str] = {}
    monkeypatch.setattr(environ.Env, "ENVIRON", found)
    return found


def written(tmp_path: Path, data: str | bytes) -> Path:
    path = tmp_path / ".env"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_first_line_counts_however_it_was_saved(
    tmp_path: Path, variables: dict[str, str], encoding: str
) -> None:
    text = f"DATABASE_URL={URL}\r\n# Nota\r\n\r\nPORT=9000  \r\n"
    assert read_env(written(tmp_path, text.encode(encoding))) == {"DATABASE_URL", "PORT"}
    assert variables == {"DATABASE_URL": URL, "PORT": "9000"}


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("NAME=value", "value"),
        ("export NAME=value", "value"),
        ("  NAME = value\t", "value"),
        ("NAME='a # b'", "a # b"),
        ('NAME=" a "', " a "),
        (r'NAME="a \"b\" \\c"', r'a "b" \c'),
        ("NAME=a#b=c'd", "a#b=c'd"),
        ("NAME=", ""),
    ],
)
def test_a_line_is_read(tmp_path: Path, variables: dict[str, str], line: str, value: str) -> None:
    read_env(written(tmp_path, line))
    assert variables == {"NAME": value}


def test_the_environment_comes_first(tmp_path: Path, variables: dict[str, str]) -> None:
    variables["NAME"] = "of the environment"
    assert read_env(written(tmp_path, "NAME=of the file")) == {"NAME"}
    assert variables == {"NAME": "of the environment"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("PORT=1\nhello secret", "line 2 is not understood. Write NAME=value"),
        ("MY-NAME=secret", "line 1 is not understood"),
        ("NAME='secret", "NAME has quotes that do not close"),
        ("NAME='secret' x", "NAME has quotes that do not close, or text after them"),
        ("TRADING_ENABLED=secret # on", "TRADING_ENABLED has a # after a space"),
        ("PORT=1\nPORT=secret", r"sets PORT twice \(lines 1 and 2\). Keep one"),
        ("NAME=contraseña".encode("cp1252"), r"is not text in UTF-8 \(byte 13\). Save it as"),
    ],
)
def test_a_line_that_is_not_understood_stops_the_start_and_shows_no_value(
    tmp_path: Path, variables: dict[str, str], text: str | bytes, why: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match=why) as stopped:
        read_env(written(tmp_path, text))
    assert "secret" not in f"{stopped.value}"
    assert variables == {}


def test_no_file_sets_nothing(tmp_path: Path, variables: dict[str, str]) -> None:
    assert read_env(tmp_path / ".env") == set()


def test_a_file_that_notepad_named_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / ".env.txt").write_text("PORT=9000")
    with pytest.raises(ImproperlyConfigured, match=r"\.env\.txt is not read\. Rename it to \.env"):
        read_env(tmp_path / ".env")


def test_a_file_that_cannot_be_read_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    with pytest.raises(ImproperlyConfigured, match=r"\.env cannot be read: Is a directory"):
        read_env(tmp_path / ".env")


@pytest.mark.parametrize(
    ("name", "meant"),
    [("DATBASE_URL", "DATABASE_URL"), ("database_url", "DATABASE_URL"), ("PORTT", "PORT")],
)
def test_a_name_that_is_nearly_a_settings_stops_the_start(name: str, meant: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"sets {name}, .* Did you mean {meant}"):
        unknown_names(Path(".env"), {name, "PORT"}, DECLARED)


def test_other_names_are_those_of_other_programs() -> None:
    others = ["COMPOSE_PROJECT_NAME", "PGPASSWORD", "TZ"]
    assert unknown_names(Path(".env"), {*others, "PORT"}, DECLARED) == others


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("MFA_REQUIRED=yess", "MFA_REQUIRED must be on or off, not 'yess'.\n"),
        ("DATBASE_URL=x", "sets DATBASE_URL, which is not a setting. Did you mean DATABASE_URL?\n"),
    ],
)
def test_manage_py_and_the_stack_end_with_one_sentence(
    tmp_path: Path, line: str, sentence: str
) -> None:
    shutil.copytree(ROOT / "mt5monitor", tmp_path / "mt5monitor")
    shutil.copy(ROOT / "manage.py", tmp_path)
    written(tmp_path, f"\ufeff{line}\r\n")
    env = environment(tmp_path / "state") | {"PORT": str(free_port())}
    for program in (["manage.py", "check"], ["-m", "mt5monitor.stack", "run"]):
        command = [sys.executable, *program]
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
        said = done.stdout + done.stderr
        assert (done.returncode, said.count("\n")) == (1, 1), said
        assert said.endswith(sentence)
