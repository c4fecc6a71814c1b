import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from mt5monitor.stack.child import DEATHS_ALLOWED, Program
from mt5monitor.stack.children import Children
from mt5monitor.stack.guard import Guard
from mt5monitor.stack.refused import Refused
from tests.waiting import eventually

STUBBORN = "import signal,time; signal.signal(15, signal.SIG_IGN); print('up'); time.sleep(60)"
FAILING = "import sys; print('no such thing'); sys.exit(7)"


@pytest.fixture
def children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Children]:
    monkeypatch.setattr("mt5monitor.stack.child.FIRST_WAIT_S", 0.01)
    with (tmp_path / "lock").open("w") as lock:
        guard = Guard(lock.fileno())
        guard.start()
        children = Children(tmp_path, guard)
        yield children
        children.end()
        guard.dismiss()


def python(name: str, code: str, stage: int = 0) -> Program:
    return Program(name, [sys.executable, "-c", code], stage=stage)


def test_one_that_dies_again_and_again_ends_the_stack_with_its_last_words(
    children: Children, capsys: pytest.CaptureFixture[str]
) -> None:
    children.start(python("failing", FAILING))
    with pytest.raises(Refused) as refused:
        eventually(lambda: children.tend() is None, 20)
    assert f"failing ended with code 7, {DEATHS_ALLOWED} times within 60 s." in str(refused.value)
    assert "no such thing" in str(refused.value)
    said = capsys.readouterr().err
    assert said.count("failing: ended with code 7; starting it again") == DEATHS_ALLOWED - 1


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
