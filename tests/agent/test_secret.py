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
