"""The whole stack, with real processes: what `make demo` promises."""

import contextlib
import http.client
import json
import signal
import socket
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis

from mt5monitor.operations.keeping import STREAM
from mt5monitor.pulse import QUEUES, last_pulses
from mt5monitor.stack.child import MANY_DEATHS
from mt5monitor.stack.children import PATIENCE_S
from mt5monitor.stack.valkey import answers
from tests.stack.procfile import SERVING, Line
from tests.stack.stack import NAMES, Stack, free_port, refusal
from tests.waiting import eventually

pytestmark = pytest.mark.long

MADE = Path(sys.prefix, ".tests").exists()
SECRETS = ("demo_password", "secret_key", "agent_secrets_key")


@dataclass
class Seen:
    """What was seen of a stack that was started on an empty folder and interrupted when ready."""

    ready: str
    statuses: list[int]
    polls: tuple[str, ...]
    left: list[psutil.Process]


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    kept = {"OPERATIONS_LINES": "1000"}
    stack = Stack(tmp_path_factory.mktemp("shared"), on_empty_folder=True, **kept)
    yield stack
    stack.discard()


@pytest.fixture(scope="module")
def first(idle: Stack) -> Seen:
    """By `make demo` where make has made this environment, else by what that runs."""
    ready = idle.make() if MADE else idle.start()
    statuses = [get(idle.port, path)[0] for path in ("/healthz", "/")]
    seen = polls(idle)
    return Seen(ready, statuses, seen, idle.interrupt() if MADE else idle.end(signal.SIGINT))


@pytest.fixture(scope="module")
def stack(idle: Stack, first: Seen) -> Iterator[Stack]:
    """The same one, started again: it runs during all tests of this module, and each leaves all
    its processes running."""
    idle.start()
    yield idle
    assert idle.end(signal.SIGKILL) == []
    assert idle.says("The supervisor was killed: ending the rest of the stack.")


def polls(stack: Stack) -> tuple[str, ...]:
    """When each agent was last polled."""
    with sqlite3.connect(stack.state_dir / "mt5monitor.sqlite3", timeout=20) as database:
        rows = database.execute("SELECT last_seen_at FROM accounts_agent ORDER BY id").fetchall()
    database.close()
    return tuple(str(row[0]) for row in rows)


def get(port: int, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        return response.status, response.getheader("Location") or ""
    finally:
        connection.close()


def test_nobody_else_on_the_machine_can_read_what_the_stack_keeps(stack: Stack) -> None:
    kept = [stack.state_dir, *stack.state_dir.rglob("*")]
    names = {"mt5monitor.sqlite3", "demo_password", "web.log", "static.stamp"}
    assert names <= {path.name for path in kept}
    assert [path for path in kept if others_may_read(path)] == []


def others_may_read(path: Path) -> bool:
    """Files of SQLite come and go while the stack runs."""
    with contextlib.suppress(FileNotFoundError):
        return bool(path.stat().st_mode & 0o077)
    return False


def test_no_secret_stands_in_the_list_of_processes(stack: Stack) -> None:
    secrets = [(stack.state_dir / name).read_text() for name in SECRETS]
    secrets.append(json.loads((stack.state_dir / "fleet.json").read_text())["secret_seed"])
    lines = "\n".join(" ".join(process.cmdline()) for process in stack.processes().values())
    assert [secret for secret in secrets if secret in lines] == []


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"guard"}))
def test_a_process_that_is_killed_comes_back_and_polling_goes_on(stack: Stack, name: str) -> None:
    killed, said = stack.processes()[name], len(stack.lines)
    killed.kill()
    why = f"{name}: was killed by SIGKILL; starting it again"
    assert eventually(lambda: stack.says(why, said))
    assert eventually(stack.all_run)
    assert stack.processes()[name].pid != killed.pid
    assert eventually(lambda: get_health(stack.port) == 200)
    before = polls(stack)
    assert eventually(lambda: polls(stack) != before, 60)


def test_a_process_that_dies_again_and_again_stops_no_other(stack: Stack) -> None:
    """The workers reconcile orders meanwhile, and staff read of it in the operations log."""
    others = {name: p.pid for name, p in stack.processes().items() if name != "web"}
    said = len(stack.lines)
    for _ in range(MANY_DEATHS + 1):
        assert eventually(lambda: "web" in stack.processes(), 60)
        killed = stack.processes()["web"]
        killed.kill()
        assert eventually(lambda killed=killed: stack.processes().get("web") != killed)
    assert eventually(lambda: stack.says("times in a row; starting it again in", said))
    before = polls(stack)
    assert eventually(lambda: get_health(stack.port) == 200, 90)
    assert eventually(lambda: polls(stack) != before, 60)
    assert {name: p.pid for name, p in stack.processes().items() if name != "web"} == others
    with redis.Redis.from_url(f"unix://{valkey_socket(stack)}") as client:
        assert eventually(lambda: b"web: was killed by SIGKILL, 5 times in a row" in kept(client))
    # Until then one more death of it would not be worth a line, which other tests wait for.
    assert eventually(lambda: stack.says("web: has run for 60 s again", said), 150)


def kept(client: "redis.Redis") -> bytes:
    """All lines of the operations log."""
    lines: Any = client.xrange(STREAM)
    return b"\n".join(line[b"line"] for _, line in lines)


def test_the_procfile_runs_what_the_stack_runs(stack: Stack, tmp_path: Path) -> None:
    """To the letter, but for the port and the folder."""
    ours = [str(stack.port), str(stack.state_dir)]
    lines = {}
    for name in SERVING:
        port = free_port()
        wanted = [
            part.replace(ours[1], str(tmp_path)).replace(ours[0], str(port))
            for part in stack.processes()[name].cmdline()
        ]
        broker = f"redis://:none@127.0.0.1:{free_port()}/0"
        lines[name] = Line(name, tmp_path, REDIS_URL=broker, PORT=str(port)), wanted
    try:
        for line, wanted in lines.values():
            assert eventually(lambda line=line, wanted=wanted: wanted in line.command_lines())
    finally:
        for line, _ in lines.values():
            line.end(signal.SIGKILL)


def get_health(port: int) -> int:
    try:
        return get(port, "/healthz")[0]
    except OSError:
        return 0


def test_a_guard_that_is_killed_comes_back(stack: Stack) -> None:
    killed = stack.processes()["guard"]
    killed.kill()
    assert eventually(lambda: stack.processes().get("guard", killed) != killed)


def test_both_queues_work_again_after_valkey_lost_everything(stack: Stack) -> None:
    # The pulses are in Valkey alone: those that are found afterwards were made afterwards.
    url = f"unix://{valkey_socket(stack)}"
    said = len(stack.lines)
    stack.processes()["valkey"].kill()
    assert eventually(lambda: stack.says("valkey: was killed by SIGKILL", said) and answers(url))
    assert eventually(lambda: all(last_pulses(url)[queue] > 0 for queue in QUEUES), 60)


def valkey_socket(stack: Stack) -> str:
    """Where it listens, which Valkey tells in the name of its process."""
    name = " ".join(stack.processes()["valkey"].cmdline())
    return name.partition("unixsocket:")[2].strip()


def test_a_second_copy_on_the_same_folder_is_refused(stack: Stack) -> None:
    output, code = refusal(stack.state_dir, free_port())
    assert code == 1
    assert output.splitlines() == [
        f"MT5 Monitor already runs on {stack.state_dir} (process {stack.process.pid}). "
        "End it first, or give this copy a STATE_DIR and a PORT of its own."
    ]


def test_the_demos_agents_may_be_asked_from_the_command_line(stack: Stack) -> None:
    """manage.py reads what the demo allowed itself, without being told."""
    allowed = (stack.state_dir / "demo.env").read_text().splitlines()
    networks, trading, versus, second_factor = allowed[-4:]
    assert networks == "AGENT_ALLOWED_NETWORKS=127.0.0.0/8"
    assert (trading, versus) == ("TRADING_ENABLED=1", "VERSUS_ENABLED=1")
    assert second_factor == "MFA_REQUIRED=0"


def test_ready_means_ready_and_a_restart_keeps_the_password(first: Seen, stack: Stack) -> None:
    assert first.ready.startswith(f"Ready: http://127.0.0.1:{stack.port}/  user: demo  password: ")
    assert first.statuses == [200, 302]
    assert first.polls
    assert "None" not in first.polls
    assert stack.ready == first.ready


@pytest.mark.skipif(not MADE, reason="make has not made this environment")
def test_make_demo_ends_with_all_its_processes_on_ctrl_c(first: Seen, idle: Stack) -> None:
    assert first.left == []
    assert idle.says("Stopped by Ctrl-C. Ending.")


def test_a_start_that_is_broken_off_leaves_nothing_behind(tmp_path: Path) -> None:
    stack = Stack(tmp_path)
    stack.begin()
    try:
        assert eventually(lambda: {"valkey", "fleet", "guard"} <= set(stack.processes()))
        assert stack.end(signal.SIGTERM) == []
        assert stack.process.returncode == 0
    finally:
        stack.discard()


def test_processes_that_ignore_signals_end_within_five_seconds_too() -> None:
    assert sum(PATIENCE_S.values()) < 4


def test_a_port_in_use_is_refused(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        output, code = refusal(tmp_path, port)
    assert code == 1
    assert output.splitlines() == [
        f"Cannot listen on 127.0.0.1 port {port}: address already in use. "
        f"Free it, or choose another: PORT={port + 1}."
    ]


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    output, code = refusal(tmp_path / "file" / "state", free_port())
    assert code == 1
    assert output.splitlines() == [
        f"Cannot write to {tmp_path}/file/state: Not a directory. "
        "Set STATE_DIR to a folder that can be written."
    ]


def test_a_database_that_does_not_answer_ends_the_start_with_the_reason(tmp_path: Path) -> None:
    url = f"postgres://nobody@127.0.0.1:{free_port()}/none"
    output, code = refusal(tmp_path, free_port(), "run", DATABASE_URL=url)
    assert code == 1
    assert "prepare ended with code 1" in output
    assert "connection refused" in output.lower()
    assert not [
        p for p in psutil.process_iter(["cmdline"]) if str(tmp_path) in str(p.info["cmdline"])
    ]
