import io
from pathlib import Path

import pytest

from mt5monitor.stack import output
from mt5monitor.stack.output import SCREEN_LINES, Output
from tests.waiting import eventually

TIME = "2026-01-02 03:04:05,678"


def copied(path: Path, text: str) -> Output:
    copy = Output("web", path)
    copy.follow(io.BytesIO(text.encode()))
    copy.finish()
    return copy


def test_all_is_kept_and_only_what_is_serious_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (
        f"{TIME} INFO a: fine\n{TIME} ERROR a: broken\nTraceback\n{TIME} WARNING py.warnings: x\n"
    )
    copied(tmp_path / "web.log", text)
    assert (tmp_path / "web.log").read_text() == text
    assert capsys.readouterr().err == f"web: {TIME} ERROR a: broken\n"


def test_a_process_that_complains_without_end_does_not_fill_the_screen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copied(tmp_path / "web.log", f"{TIME} ERROR a: broken\n" * 100)
    assert len(capsys.readouterr().err.splitlines()) == SCREEN_LINES
    assert len((tmp_path / "web.log").read_text().splitlines()) == 100


def test_a_log_never_outgrows_its_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "LOG_BYTES", 1000)
    copied(tmp_path / "web.log", "a line of some length\n" * 500)
    assert eventually(lambda: (tmp_path / "web.log.1").exists())
    assert {path.name for path in tmp_path.iterdir()} <= {"web.log", "web.log.1"}
    assert all(path.stat().st_size < 1100 for path in tmp_path.iterdir())


def test_a_log_that_cannot_be_written_does_not_hold_up_the_process(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its pipe is read to the end: nothing that it prints blocks or fails."""
    copy = copied(tmp_path / "absent" / "web.log", f"fine\n{TIME} ERROR a: broken\n")
    assert list(copy.tail) == ["fine", f"{TIME} ERROR a: broken"]
    assert "broken" in capsys.readouterr().err


def test_a_log_that_cannot_be_moved_aside_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "LOG_BYTES", 10)
    (tmp_path / "web.log.1").mkdir()
    (tmp_path / "web.log.1" / "in the way").touch()
    copied(tmp_path / "web.log", "a line of some length\n" * 5)
    assert (tmp_path / "web.log").read_text() == "a line of some length\n" * 5


def test_a_start_keeps_the_log_of_the_last_one(tmp_path: Path) -> None:
    copied(tmp_path / "web.log", "first\n")
    copied(tmp_path / "web.log", "second\n")
    assert (tmp_path / "web.log.1").read_text() == "first\n"
    assert (tmp_path / "web.log").read_text() == "second\n"
