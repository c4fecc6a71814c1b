"""The whole stack, whose Valkey is on another host: lost without a word, and killed."""

import http.client
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.namespaces import Host, another_host
from tests.stack.stack import Stack
from tests.valkey import DistantValkey
from tests.waiting import eventually

pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]

LOST_S = 25.0  # far longer than any wait on Valkey may take
GROWN_MB = 60
STALE_S = 3.0
OURS = ("web", "worker", "worker-unreachable", "beat")


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with another_host() as made:
        yield made


@pytest.fixture(scope="module")
def valkey(host: Host) -> DistantValkey:
    valkey = DistantValkey(host)
    valkey.start()
    return valkey


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, valkey: DistantValkey) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("loss")
    stack = Stack(folder, REDIS_URL=valkey.url, ALLOW_OPEN_VALKEY="1")
    try:
        stack.start()
        assert eventually(lambda: oldest_s(folder) < STALE_S)
        yield stack
    finally:
        stack.discard()


def oldest_s(state_dir: Path) -> float:
    """The age of the reading of the agent that was heard longest ago."""
    age = "(julianday('now') - julianday(last_seen_at)) * 86400"
    query = f"SELECT MAX({age}) FROM accounts_agent WHERE enabled"  # noqa: S608
    database = sqlite3.connect(f"file:{state_dir / 'mt5monitor.sqlite3'}?mode=ro", uri=True)
    try:
        return float(database.execute(query).fetchone()[0])
    finally:
        database.close()


def health(stack: Stack) -> int:
    """The status of the health page; 0 without an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=20)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def pids(stack: Stack) -> dict[str, int]:
    return {name: process.pid for name, process in stack.processes().items() if name in OURS}


def web_mb(stack: Stack) -> float:
    return stack.processes()["web"].memory_info().rss / 1e6


def log_size(stack: Stack, name: str) -> int:
    return (stack.state_dir / "log" / f"{name}.log").stat().st_size


def answers_throughout(stack: Stack, seconds: float) -> bool:
    """While all agents become stale, for so long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end or oldest_s(stack.state_dir) < STALE_S:
        if health(stack) != 200:
            return False
        time.sleep(0.5)
    return True


def test_a_silent_loss_stops_no_process_and_agents_are_fresh_again_soon(
    stack: Stack, host: Host
) -> None:
    before, memory = pids(stack), web_mb(stack)
    with host.lost():
        assert answers_throughout(stack, LOST_S)
    assert eventually(lambda: oldest_s(stack.state_dir) < STALE_S)
    assert health(stack) == 200
    assert web_mb(stack) < memory + GROWN_MB
    assert pids(stack) == before, "".join(stack.lines)


def test_a_valkey_that_is_gone_fills_no_log_and_ends_no_worker(
    stack: Stack, valkey: DistantValkey
) -> None:
    before = pids(stack)
    sizes = {name: log_size(stack, name) for name in ("beat", "worker", "worker-unreachable")}
    with valkey.away():
        assert answers_throughout(stack, LOST_S)
    assert eventually(lambda: oldest_s(stack.state_dir) < STALE_S)
    assert pids(stack) == before, "".join(stack.lines)
    said = (stack.state_dir / "log" / "beat.log").read_text()
    assert "Beat sends no tasks: the broker does not answer" in said
    assert "Beat sends tasks again" in said
    for name, size in sizes.items():
        assert log_size(stack, name) < size + 10_000
