"""The secret file: made once, for its owner alone."""

import os
import stat
from pathlib import Path

import pytest

from agent.secret import read_or_make_secret


def test_a_missing_secret_is_made_for_the_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "agent.secret"
    secret, made = read_or_make_secret(path)
    assert made
    assert len(secret) >= 43
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_existing_secret_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "agent.secret"
    first, _ = read_or_make_secret(path)
    assert read_or_make_secret(path) == (first, False)
    path.write_text("  0123456789abcdef0123456789abcdef \r\n")
    assert read_or_make_secret(path)[0] == b"0123456789abcdef0123456789abcdef"


def test_a_secret_that_is_too_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "agent.secret"
    path.write_text("")
    with pytest.raises(ValueError, match="32 characters"):
        read_or_make_secret(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_secret_is_the_same_however_an_editor_saved_it(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "agent.secret"
    path.write_bytes("0123456789abcdef0123456789abcdef  \r\n".encode(encoding))
    assert read_or_make_secret(path) == (b"0123456789abcdef0123456789abcdef", False)


def test_a_secret_of_another_encoding_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "agent.secret"
    path.write_bytes("0123456789abcdef0123456789abcdef\n".encode("utf-16-le"))
    with pytest.raises(ValueError, match="looks like UTF-16 .* Save it as UTF-8"):
        read_or_make_secret(path)


def test_a_secret_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "agent.secret"
    path.write_text("0123456789abcdef0123456789abcdef\r\nsecond line")
    with pytest.raises(ValueError, match="one line"):
        read_or_make_secret(path)


def test_no_secret_is_made_beside_one_that_notepad_named(tmp_path: Path) -> None:
    (tmp_path / "agent.secret.txt").write_text("0123456789abcdef0123456789abcdef")
    with pytest.raises(ValueError, match=r"agent\.secret\.txt: rename it to agent\.secret"):
        read_or_make_secret(tmp_path / "agent.secret")
    assert not (tmp_path / "agent.secret").exists()
