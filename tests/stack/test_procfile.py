"""The Procfile runs what `make run` runs, and as safely."""

import http.client
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mt5monitor.pulse import last_pulses
from mt5monitor.stack import programs
from mt5monitor.stack.environment import Environment, Site
from tests import prepared
from tests.stack.procfile import LINES, SERVING, Line
from tests.stack.stack import free_port
from tests.valkey import PrivateValkey
from tests.waiting import eventually

HOST = "monitor.example.com"


@dataclass
class Desk:
    """All lines of the Procfile, behind a proxy that ends TLS."""

    state_dir: Path
    port: int
    lines: dict[str, Line]

    def post(self, path: str, body: object, address: str) -> int:
        """The status of the answer to a request that the proxy passes on for `address`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {"Host": HOST, "Content-Type": "application/json"}
        headers |= {"X-Forwarded-For": address, "X-Forwarded-Proto": "https"}
        try:
            connection.request("POST", path, json.dumps(body), headers)
            return connection.getresponse().status
        finally:
            connection.close()

    def answers(self) -> bool:
        try:
            return self.post("/api/auth/login", {}, "203.0.113.9") > 0
        except OSError:
            return False


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Line:
    """What comes before all others, on a folder that was open to all."""
    state_dir = tmp_path_factory.mktemp("desk")
    prepared.put_all(state_dir)
    state_dir.chmod(0o755)
    (state_dir / prepared.DATABASE).touch()
    (state_dir / prepared.DATABASE).chmod(0o666)
    line = Line("release", state_dir)
    line.ended()
    return line


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, release: Line) -> Iterator[Desk]:
    valkey = PrivateValkey(tmp_path_factory.mktemp("v") / "valkey.sock")
    valkey.start()
    desk = Desk(release.state_dir, free_port(), {})
    settings = {"REDIS_URL": valkey.url, "PUBLIC_URL": f"https://{HOST}", "PORT": str(desk.port)}
    for name in SERVING:
        desk.lines[name] = Line(name, desk.state_dir, **settings)
    try:
        yield desk
        # One that has not begun yet dies of the signal: each has a queue's task to show for itself.
        assert eventually(lambda: all(last_pulses(valkey.url).values()) and desk.answers(), 120)
        codes = {name: line.end() for name, line in desk.lines.items()}
        assert codes == dict.fromkeys(SERVING, 0), [line.output for line in desk.lines.values()]
    finally:
        for line in desk.lines.values():
            line.process.kill()
        valkey.kill()


def test_there_is_a_line_for_each_process_of_the_stack_and_no_other() -> None:
    environment = Environment(Path("state"), 8000, "127.0.0.1", 1, 1, False)
    site = Site("https://x", "redis://", False, Path("x"), True)
    names = [program.name for program in programs.serving(environment, site)]
    assert sorted(names) == sorted(programs.NAMES) == sorted(SERVING)
    expected = {name: f"python -m mt5monitor.stack {name}" for name in names}
    assert expected | {"release": "python -m mt5monitor.stack prepare"} == LINES


@pytest.mark.long
def test_a_deployment_is_prepared_and_goes_on_without_a_user(release: Line) -> None:
    assert release.process.returncode == 0, release.output
    assert release.says("No user yet. Make one: ")


@pytest.mark.long
def test_wrong_passwords_of_one_address_lock_out_that_address_alone(desk: Desk) -> None:
    """Not everybody behind the proxy, whose own address is that of all."""
    assert eventually(desk.answers, 90)
    wrong = {"username": "nobody", "password": "wrong"}
    statuses = [desk.post("/api/auth/login", wrong, "203.0.113.1") for _ in range(14)]
    assert 429 in statuses
    assert desk.post("/api/auth/login", wrong, "203.0.113.2") == 401


@pytest.mark.long
@pytest.mark.parametrize("name", ["worker", "worker-unreachable"])
def test_each_says_what_it_does(desk: Desk, name: str) -> None:
    assert eventually(lambda: desk.lines[name].says(" INFO "), 90), desk.lines[name].output


@pytest.mark.long
def test_other_users_cannot_read_what_they_keep_with_any_umask(desk: Desk) -> None:
    def kept() -> set[Path]:
        return {desk.state_dir, *desk.state_dir.rglob("*")}

    names = {prepared.DATABASE, f"{prepared.DATABASE}-wal", "secret_key", "static.stamp"}
    assert eventually(lambda: names <= {path.name for path in kept()}, 90)
    assert eventually(lambda: any(desk.state_dir.glob("celerybeat-schedule*")), 90)
    assert [path for path in kept() if mode(path) & 0o077] == []


def mode(path: Path) -> int:
    """Files of SQLite come and go meanwhile."""
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return 0


REFUSED = [
    ("web", {"BIND": "0.0.0.0"}, "BIND=0.0.0.0 would answer plain HTTP to other machines"),  # noqa: S104
    ("web", {"PUBLIC_URL": "http://example.com"}, "PUBLIC_URL=http://example.com is plain HTTP"),
    *[(name, {"LOG_LEVEL": "LOUD"}, "LOG_LEVEL must be DEBUG, INFO") for name in SERVING],
    ("release", {"LOG_LEVEL": "LOUD"}, "LOG_LEVEL must be DEBUG, INFO"),
]


@pytest.mark.parametrize(("name", "settings", "why"), REFUSED)
def test_what_cannot_run_ends_with_one_sentence_and_a_code(
    tmp_path: Path, name: str, settings: dict[str, str], why: str
) -> None:
    line = Line(name, tmp_path, **settings)
    assert line.ended() == 1
    assert len(line.output) == 1, line.output
    assert line.output[0].startswith(why)


def test_a_port_in_use_ends_the_web_process_with_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        line = Line("web", tmp_path, PORT=str(port))
        assert line.ended() == 1
    assert line.output == [
        f"Cannot listen on 127.0.0.1 port {port}: address already in use. "
        f"Free it, or choose another: PORT={port + 1}.\n"
    ]


# What ended workers while Valkey was away; it may have been mended, others will come.
BROKEN = """
from celery.worker.consumer import consumer

def start(self):
    raise AttributeError("'NoneType' object has no attribute 'hostname'")

consumer.Consumer.start = start
"""


def test_a_worker_that_cannot_go_on_says_so_and_ends_with_a_code(
    release: Line, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(BROKEN)
    line = Line("worker", release.state_dir, REDIS_URL=nowhere(), PYTHONPATH=str(tmp_path))
    assert line.ended() == 1
    assert line.says("CRITICAL celery.worker: Unrecoverable error: AttributeError(")
    assert line.says("ends with exit code 1 because of the error above: start it again.")


def nowhere() -> str:
    """The address of a broker that is away."""
    return f"redis://:none@127.0.0.1:{free_port()}/0"


def test_a_process_without_its_broker_says_so_and_waits_for_it(release: Line) -> None:
    line = Line("worker", release.state_dir, REDIS_URL=nowhere())
    try:
        assert eventually(lambda: line.says("worker: no Redis or Valkey answers at redis://...@"))
        assert eventually(lambda: line.says("Cannot connect to redis://"), 90)
        assert line.process.poll() is None
    finally:
        line.end()
