import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import psutil
import pytest

from mt5monitor.stack.child import MANY_DEATHS, STEADY_S, Child, Program
from mt5monitor.stack.children import Children
from mt5monitor.stack.guard import Guard
from tests.waiting import eventually

STUBBORN = "import signal,time; signal.signal(15, signal.SIG_IGN); print('up'); time.sleep(60)"
SLEEPING = "import time; time.sleep(600)"
FAILING = "import sys; print('no such thing'); sys.exit(7)"


@pytest.fixture
def children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Children]:
    monkeypatch.setattr("mt5monitor.stack.child.FIRST_WAIT_S", 0.01)
    monkeypatch.setattr("mt5monitor.stack.child.MOST_WAIT_S", 0.05)
    with (tmp_path / "lock").open("w") as lock:
        guard = Guard(lock.fileno())
        guard.start()
        children = Children(tmp_path, guard)
        yield children
        children.end()
        guard.dismiss()


def python(name: str, code: str, stage: int = 0) -> Program:
    return Program(name, [sys.executable, "-c", code], stage=stage)


def tended(children: Children) -> bool:
    children.tend()
    return True


def test_one_that_dies_again_and_again_is_started_again_and_the_others_run_on(
    children: Children, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    other = children.start(python("other", SLEEPING))
    failing = children.start(python("failing", FAILING))
    assert eventually(lambda: tended(children) and failing.deaths > 2 * MANY_DEATHS, 60)
    assert other.is_running()
    assert other.deaths == 0
    said = capsys.readouterr().err.splitlines()
    assert said[:-1] == ["failing: ended with code 7; starting it again"] * (MANY_DEATHS - 1)
    assert re.fullmatch(
        rf"failing: ended with code 7, {MANY_DEATHS} times in a row; starting it again in \d+ s, "
        r"later every \d+ s\. See .*/failing\.log",
        said[-1],
    )
    assert [record.getMessage() for record in caplog.records] == said


def test_each_wait_is_longer_up_to_a_bound_and_a_long_life_is_a_new_beginning(
    tmp_path: Path,
) -> None:
    child = Child(python("failing", FAILING), tmp_path, Guard(0))
    waits = [child.plan_restart(1.0) for _ in range(9)]
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]
    child.deaths = 5000  # in a month
    assert child.plan_restart(1.0) == 30.0
    assert child.plan_restart(STEADY_S) == 0.5


def test_one_that_runs_well_again_is_said_to(
    children: Children, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    child = children.start(python("once failing", SLEEPING))
    child.deaths = MANY_DEATHS
    children.tend()
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("mt5monitor.stack.child.STEADY_S", 0.0)
    children.tend()
    assert capsys.readouterr().err == "once failing: has run for 60 s again\n"
    assert not child.is_failing()


def test_one_that_cannot_be_started_is_tried_again_and_the_others_run_on(
    children: Children, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As during an upgrade, or where no process more may be started."""
    other = children.start(python("other", SLEEPING))
    program = tmp_path / "program"
    child = children.start(Program("absent", [str(program)]))
    assert eventually(lambda: tended(children) and child.is_failing())
    assert "absent: could not be started ([Errno 2] No such file" in capsys.readouterr().err
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o700)
    assert eventually(lambda: tended(children) and child.is_running())
    assert other.is_running()


def test_a_guard_that_cannot_be_started_does_not_end_the_stack(
    children: Children, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: object, **__: object) -> NoReturn:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    assert children.guard.process is not None
    children.guard.process.kill()
    assert eventually(lambda: not children.guard.is_running())
    with monkeypatch.context() as short_of_room:
        short_of_room.setattr("mt5monitor.stack.guard.subprocess.Popen", fails)
        children.tend()
        children.tend()
    said = capsys.readouterr().err.splitlines()
    assert said == [
        "guard: it was killed; started again",
        "guard: could not be started: Resource temporarily unavailable",
    ]
    monkeypatch.setattr("mt5monitor.stack.children.GUARD_EVERY_S", 0.0)
    children._guard_at = 0.0
    children.tend()
    assert children.guard.is_running()


SILENT = [
    ("import sys; sys.exit(7)", "Run it by itself to see more: cd "),
    ("import os; os.kill(os.getpid(), 9)", "It printed nothing. Look in the system's log"),
]


@pytest.mark.parametrize(("code", "what_to_do"), SILENT)
def test_of_one_that_ended_without_a_word_it_is_said_what_to_do(
    children: Children, code: str, what_to_do: str
) -> None:
    child = children.start_once(python("silent", code))
    assert eventually(lambda: child.code() is not None)
    assert what_to_do in child.last_words()
    assert what_to_do in child.where_to_look(child.code())
    assert "said nothing" not in child.last_words()


def test_one_that_does_not_listen_is_killed(children: Children) -> None:
    child = children.start(python("stubborn", STUBBORN))
    assert child.process is not None
    pid = child.process.pid
    assert eventually(lambda: list(child.output.tail) == ["up"])
    children.end()
    assert not psutil.pid_exists(pid)


def test_what_a_dead_process_left_behind_is_ended_too(children: Children) -> None:
    code = f"import subprocess,sys; print(subprocess.Popen([sys.executable,'-c',{STUBBORN!r}]).pid)"
    child = children.start(python("parent", code + "; sys.stdout.flush()"))
    assert eventually(lambda: bool(child.output.tail) and child.code() == 0)
    left = psutil.Process(int(next(line for line in child.output.tail if line.isdigit())))
    children.drop(child)
    assert eventually(lambda: not left.is_running() or left.status() == psutil.STATUS_ZOMBIE)


def test_the_folder_of_the_logs_is_all_that_is_written(children: Children, tmp_path: Path) -> None:
    child = children.start(python("short", "print('said')"))
    assert eventually(lambda: child.code() == 0)
    children.drop(child)
    assert (tmp_path / "short.log").read_text() == "said\n"
