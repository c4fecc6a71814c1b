"""A blocked event loop is noticed from outside it, and its process ends."""

import asyncio
import http.client
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from mt5monitor import watchdog
from mt5monitor.watchdog import Watchdog
from tests.stack.stack import environment, free_port
from tests.waiting import eventually

LATE_S, DEAD_S = 5.0, 30.0


class Loop:
    """On a thread of its own; `release` ends a `block`."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.release = threading.Event()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()

    def block(self) -> None:
        begun = threading.Event()

        def hold() -> None:
            begun.set()
            self.release.wait()

        self.loop.call_soon_threadsafe(hold)
        assert begun.wait(20)

    def answers(self) -> None:
        """It has done all that it was asked so far."""
        done = threading.Event()
        self.loop.call_soon_threadsafe(done.set)
        assert done.wait(20)

    def end(self) -> None:
        self.release.set()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(20)
        self.loop.close()


@pytest.fixture
def loop() -> Iterator[Loop]:
    running = Loop()
    yield running
    if not running.loop.is_closed():
        running.end()


@pytest.fixture
def ends() -> list[str]:
    return []


@pytest.fixture
def dog(loop: Loop, ends: list[str]) -> Watchdog:
    dog = Watchdog(LATE_S, DEAD_S, lambda: ends.append("ended"))
    dog.watch("web", loop.loop)
    dog.look(1)
    loop.answers()
    return dog


def test_a_loop_that_runs_is_left_alone(dog: Watchdog, loop: Loop, ends: list[str]) -> None:
    for _ in range(100):
        dog.look(1)
        loop.answers()
    assert ends == []


def test_a_blocked_loop_is_logged_once_with_its_stack_and_ends_its_process(
    dog: Watchdog, loop: Loop, ends: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    loop.block()
    for _ in range(int(DEAD_S)):
        assert ends == []
        dog.look(1)
    assert [record.levelname for record in caplog.records] == ["CRITICAL"]
    assert "Event loop web is blocked: it did not run for 5 s." in caplog.text
    assert "hold" in caplog.text.partition("Its thread is here:")[2]
    dog.look(1)
    assert ends == ["ended"]
    assert "Event loop web ends, and this process with it" in caplog.text


def test_a_loop_that_goes_on_is_counted_from_the_beginning(
    dog: Watchdog, loop: Loop, ends: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    for times in (1, 2):
        loop.block()
        for _ in range(int(DEAD_S)):
            dog.look(1)
        assert len(caplog.records) == times
        loop.release.set()
        loop.answers()
        loop.release.clear()
        dog.look(1)
        loop.answers()
    assert ends == []


def test_a_loop_that_was_closed_is_forgotten(dog: Watchdog, loop: Loop, ends: list[str]) -> None:
    loop.end()
    for _ in range(100):
        dog.look(1)
    assert ends == []


def test_a_process_that_stood_still_is_no_blocked_loop(
    dog: Watchdog, ends: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A frozen machine or a stopped process comes back an hour later."""
    clock = iter([0.0, 3600.0])
    frozen = SimpleNamespace(monotonic=lambda: next(clock), sleep=lambda _: None)
    monkeypatch.setattr(watchdog, "time", frozen)
    looked: list[float] = []
    monkeypatch.setattr(dog, "look", looked.append)
    with pytest.raises(StopIteration):
        dog.run()
    assert looked == [2 * watchdog.LOOK_S]


def answer(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=0.5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


@pytest.mark.long
def test_a_web_process_that_is_blocked_ends_by_itself(tmp_path: Path) -> None:
    """Whoever started it starts it again."""
    port, log = free_port(), tmp_path / "web.log"
    env = environment(tmp_path) | {"LOOP_LATE_S": "1", "LOOP_DEAD_S": "2", "OPERATIONS_LINES": "0"}
    env["DATABASE_URL"] = f"sqlite:///{tmp_path / 'db.sqlite3'}"
    env["DJANGO_SETTINGS_MODULE"] = "tests.live.settings"
    argv = [sys.executable, "-m", "mt5monitor.web", "-b", "127.0.0.1", "-p", str(port)]
    with log.open("wb") as output:
        web = subprocess.Popen(
            [*argv, "tests.blocking:application"], env=env, stdout=output, stderr=output
        )
    try:
        assert eventually(lambda: answer(port, "/healthz") == 200, 60), log.read_text()
        answer(port, "/block")
        assert eventually(lambda: web.poll() is not None, 60)
    finally:
        web.kill()
        web.wait()
    assert web.returncode == watchdog.ENDED
    assert "block_for_good" in log.read_text()
