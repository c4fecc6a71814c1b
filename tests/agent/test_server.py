"""The programs as they are started: over real sockets, in a process of their own."""

import contextlib
import http.client
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from agent.members import derived_secret
from tests.agent.parts import MonitorSignature

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 20.0


@contextlib.contextmanager
def program(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running program and the URL that it announced."""
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments, "--port", "0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        while line and " at http://127.0.0.1:" not in line:
            line = process.stdout.readline()
        assert line, process.stderr and process.stderr.read()
        yield process, line.split(" at ")[1].strip()
    finally:
        # In order first, so that a fleet removes the folder of its journals.
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with program("agent.fleet", "--agents", "20", "--control", "--secret-seed", "s") as (_, url):
        yield url


@pytest.fixture
def client(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, trust_env=False, timeout=PATIENCE) as client:
        yield client


def order(client: httpx.Client, index: int, state: str) -> None:
    content = json.dumps({"state": state})
    assert client.post(f"/control/agents/{index}", content=content).status_code == 200


def test_a_fleet_serves_both_contracts_over_a_socket(client: httpx.Client) -> None:
    assert len(client.get("/").json()["agents"]) == 20
    assert client.get("/agents/1/accounts").json()["account_number"] > 0
    auth = MonitorSignature(derived_secret("s", 2))
    state = client.get("/agents/2/v2/state?a=b%20c", auth=auth)
    assert state.status_code == 200
    symbol = client.get("/agents/2/v2/symbols/EUR%23%2FUSD", auth=auth)
    assert symbol.status_code == 404
    assert "signature" in symbol.headers


def test_an_agent_that_is_down_closes_without_an_answer(client: httpx.Client) -> None:
    order(client, 3, "down")
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        client.get("/agents/3/accounts")
    assert client.get("/agents/1/accounts").status_code == 200
    order(client, 3, "up")
    assert client.get("/agents/3/accounts").status_code == 200


def test_an_agent_that_hangs_delays_no_other(client: httpx.Client) -> None:
    order(client, 5, "hang")
    with pytest.raises(httpx.ReadTimeout):
        client.get("/agents/5/accounts", timeout=0.3)
    assert client.get("/agents/1/accounts").status_code == 200
    order(client, 5, "up")


def test_an_idle_connection_is_kept_and_used_again(url: str) -> None:
    connection = http.client.HTTPConnection(httpx.URL(url).netloc.decode(), timeout=PATIENCE)
    connection.connect()
    first = connection.sock
    for _ in range(3):
        connection.request("GET", "/agents/1/health")
        with connection.getresponse() as response:
            assert response.status == 200
            assert response.read()
        # A server that closed would have left the connection without a socket, or with another.
        assert connection.sock is first
    connection.close()


def test_a_connection_is_closed_after_the_time_it_may_be_idle() -> None:
    with program("agent.fleet", "--agents", "1", "--keep-alive", "1") as (_, url):
        host, port = url.removeprefix("http://").rstrip("/").split(":")
        with socket.create_connection((host, int(port)), timeout=PATIENCE) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
            while connection.recv(65_536):
                pass  # the rest of the answer; the end comes from the server alone


def test_a_fleet_ends_soon_after_a_signal_even_with_a_hanging_request() -> None:
    with program("agent.fleet", "--agents", "2", "--control") as (process, url):
        with httpx.Client(base_url=url, trust_env=False) as client:
            order(client, 1, "hang")
            host, port = url.removeprefix("http://").rstrip("/").split(":")
            with socket.create_connection((host, int(port))) as hanging:
                hanging.sendall(b"GET /agents/1/health HTTP/1.1\r\nHost: x\r\n\r\n")
                assert client.get("/").status_code == 200
                process.send_signal(signal.SIGTERM)
                assert process.wait(5) in (0, -signal.SIGTERM)
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()


def test_a_port_in_use_is_one_clear_line_and_exit_1() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "agent.fleet", "--agents", "1", "--port", port],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "address already in use" in done.stderr.lower()


def test_one_agent_is_started_with_a_secret_of_its_own(tmp_path: Path) -> None:
    secret = tmp_path / "agent.secret"
    arguments = ("agent", "--terminal", "simulated", "--contract", "both", "--secret-file")
    with program(*arguments, str(secret)) as (_, url):
        auth = MonitorSignature(secret.read_text().strip().encode())
        with httpx.Client(base_url=url, trust_env=False) as client:
            state = client.get("/v2/state", auth=auth).json()
            assert state["login"] == client.get("/accounts").json()["account_number"]
