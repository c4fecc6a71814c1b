"""What processes publish of themselves, and who reads it."""

import os
import time
from collections.abc import Iterator

import msgspec
import pytest

from mt5monitor import loop, processes
from mt5monitor.pulse import connection
from tests.valkey import PrivateValkey
from tests.waiting import eventually


@pytest.fixture(autouse=True)
def no_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(processes, "_own", None)
    monkeypatch.setattr(processes, "EVERY_S", 0.02)
    yield
    loop.stop()  # ends what was published


def other(valkey: PrivateValkey, pid: int, age_s: float, text: bytes = b"") -> None:
    at = time.time() - age_s
    entry = processes.Entry("worker", "elsewhere", pid, at, at, {"polls": pid})
    with connection(valkey.url) as board:
        board.hset(processes.BOARD, f"elsewhere:{pid}", text or msgspec.json.encode(entry))


def fields(valkey: PrivateValkey) -> set[str]:
    with connection(valkey.url) as board:
        return {field.decode() for field in board.hkeys(processes.BOARD)}


def test_a_process_publishes_itself_and_reads_its_own_counts_as_of_now(
    valkey: PrivateValkey,
) -> None:
    number = iter(range(1000))
    processes.start("web", {"asked": lambda: next(number)})
    processes.start("web", {"asked": lambda: -1})  # does so already
    assert eventually(lambda: len(fields(valkey)) == 1)
    first, second = processes.running(), processes.running()
    assert [(entry.process, entry.pid) for entry in first] == [("web", os.getpid())]
    assert second[0].counts["asked"] > first[0].counts["asked"] >= 0


def test_processes_that_ended_are_neither_counted_nor_kept(valkey: PrivateValkey) -> None:
    other(valkey, 1, age_s=1)
    other(valkey, 2, age_s=processes.KEPT_S + 5)
    other(valkey, 3, age_s=1, text=b'{"of": "another release"}')
    assert [entry.pid for entry in processes.running()] == [1]
    processes.start("web", {})
    assert eventually(lambda: len(fields(valkey)) == 2)
    assert "elsewhere:1" in fields(valkey)


def test_a_process_goes_on_publishing_once_valkey_is_back(valkey: PrivateValkey) -> None:
    processes.start("web", {})
    assert eventually(lambda: bool(fields(valkey)))
    valkey.restart()
    assert eventually(lambda: bool(fields(valkey)))


def test_a_count_that_fails_ends_nothing(
    valkey: PrivateValkey, caplog: pytest.LogCaptureFixture
) -> None:
    answers: list[object] = [ValueError("broken"), 1]

    def source() -> object:
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    processes.start("web", {"one": source})
    assert eventually(lambda: bool(fields(valkey)))
    assert "Process web could not publish its counts" in caplog.text
