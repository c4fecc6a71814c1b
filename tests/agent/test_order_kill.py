"""A real agent process, killed between its journal and its terminal."""

import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent.members import derived_secret
from agent.simulated.ledger import Ledger
from tests.agent.parts import MonitorSignature
from tests.agent.test_server import PATIENCE, program

OPTIONS = ("agent", "--terminal", "simulated", "--seed", "3", "--contract", "2")


class Installed:
    """The files of one agent and of its venue."""

    def __init__(self, folder: Path) -> None:
        self.secret, self.journal = folder / "agent.secret", folder / "agent.journal"
        self.ledger = folder / "ledger"
        self.arguments = (*OPTIONS, "--secret-file", str(self.secret), "--ledger", str(self.ledger))

    def client(self, url: str) -> httpx.Client:
        auth = MonitorSignature(self.secret.read_text().strip().encode())
        return httpx.Client(base_url=url, auth=auth, trust_env=False, timeout=PATIENCE)

    def sends(self) -> list[str]:
        entries = Ledger(self.ledger).entries
        return [entry["tag"] for entry in entries if entry["kind"] == "send"]


@pytest.fixture
def installed(tmp_path: Path) -> Installed:
    return Installed(tmp_path)


def order(client: httpx.Client, tag: str, **changes: Any) -> dict[str, Any]:
    state = client.get("/v2/state").json()
    content: dict[str, Any] = {
        "tag": tag,
        "magic": 77,
        "expected_login": state["login"],
        "expected_server": state["server"],
        "expires_at": (datetime.now(UTC) + timedelta(minutes=5)).isoformat(),
        "kind": "open",
        "symbol": "EURUSD",
        "side": "BUY",
        "volume": 0.1,
        "sl": None,
        "tp": None,
        "position": None,
        "deviation": 20,
    }
    return content | changes


@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_agent_killed_while_sending_never_sends_again_and_finds_the_outcome(
    installed: Installed, moment: str
) -> None:
    with program(*installed.arguments, "--trade-pause", moment) as (process, url):
        with installed.client(url) as client:
            body = order(client, "KILLED")
            with pytest.raises(httpx.ReadTimeout):
                client.post("/v2/orders", json=body, timeout=1)
            # The order is in the terminal's hands: it says so, and asking does not wait for it.
            assert process.stdout is not None
            assert process.stdout.readline() == f"Paused {moment} the execution\n"
            assert client.get("/v2/orders/KILLED").json()["state"] == "executing"
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE)
    with program(*installed.arguments) as (_, url), installed.client(url) as client:
        record = client.get("/v2/orders/KILLED").json()
        assert record["state"] == "ended"
        again = client.post("/v2/orders", json=body)
        assert again.status_code == 200
        positions = [p for p in client.get("/v2/state").json()["positions"] if p["magic"] == 77]
        if moment == "before":
            assert (record["outcome"], record["evidence"]["conclusion"]) == ("unknown", "absent")
            assert again.json()["outcome"] == "unknown"
            assert (installed.sends(), positions) == ([], [])
        else:
            assert (record["outcome"], record["recovered"]) == ("done", True)
            assert again.json() == record
            assert installed.sends() == ["KILLED"]
            assert [p["ticket"] for p in positions] == [record["position"]]


def test_what_an_agent_did_is_known_after_it_was_killed(installed: Installed) -> None:
    with program(*installed.arguments) as (process, url):
        with installed.client(url) as client:
            opened = client.post("/v2/orders", json=order(client, "FIRST")).json()
            assert opened["outcome"] == "done"
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE)
    with program(*installed.arguments) as (_, url), installed.client(url) as client:
        assert client.get("/v2/orders/FIRST").json() == opened
        body = order(client, "SECOND", kind="close", volume=None, position=opened["position"])
        assert client.post("/v2/orders", json=body).json()["outcome"] == "done"
        assert installed.sends() == ["FIRST", "SECOND"]


def test_a_fleet_that_is_killed_comes_back_with_its_positions_and_its_journals(
    tmp_path: Path,
) -> None:
    arguments = ("agent.fleet", "--agents", "2", "--control", "--secret-seed", "s")
    kept = ("--journal-dir", str(tmp_path / "journals"), "--ledger", str(tmp_path / "ledger"))
    auth = MonitorSignature(derived_secret("s", 2))
    told: list[dict[str, Any]] = []
    for _ in range(2):
        with program(*arguments, *kept) as (process, url):
            base = f"{url}agents/2"
            with httpx.Client(base_url=base, auth=auth, trust_env=False) as client:
                body = told[0] if told else order(client, "FLEET")
                answer = client.post("/v2/orders", json=body).json()
                assert answer["outcome"] == "done"
                told += [body, answer]
                positions = client.get("/v2/state").json()["positions"]
                assert answer["position"] in {position["ticket"] for position in positions}
            process.send_signal(signal.SIGKILL)
            process.wait(PATIENCE)
    assert told[1] == told[3]
    sends = [e for e in Ledger(tmp_path / "ledger").entries if e["kind"] == "send"]
    assert [send["tag"] for send in sends] == ["FLEET"]


def test_two_agents_cannot_share_a_journal(installed: Installed) -> None:
    # Another port, the same journal: it must not even start.
    expected = pytest.raises(AssertionError, match="another program")
    with program(*installed.arguments), expected, program(*installed.arguments):
        pass
