"""Steering one agent of a fleet through an order: faults, lost answers, restarts, other logins."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent.members import Member, derived_secret
from tests.agent.parts import SEED, MonitorSignature, TurnedClock, fleet_of, problem_of

V1 = {"symbol": "EURUSD", "lot": 0.1, "order_type": "BUY"}


class Steered:
    """A fleet of four with journals; agent 2 speaks v2, agent 1 v1."""

    def __init__(self, folder: Path) -> None:
        self.clock = TurnedClock()
        self.members, self.client = fleet_of(
            4, self.clock, secret_seed=SEED, journal_dir=folder, older=False
        )
        self.member: Member = self.members[1]
        self.member.terminal.world.market.on_second = None
        self.auth = MonitorSignature(derived_secret(SEED, 2))

    def body(self, tag: str, **changes: Any) -> dict[str, Any]:
        expires = datetime.fromtimestamp(self.clock(), UTC) + timedelta(seconds=10)
        given = {
            "tag": tag, "magic": sum(tag.encode()), "kind": "open", "symbol": "EURUSD",
            "expected_login": self.members[1].terminal.account.login, "expected_server": "",
            "expires_at": expires.isoformat(), "side": "BUY", "volume": 0.1, "sl": None,
            "tp": None, "position": None, "deviation": 20,
        }  # fmt: skip
        return given | changes

    async def post(self, body: dict[str, Any]) -> httpx.Response:
        return await self.client.post("/agents/2/v2/orders", json=body, auth=self.auth)

    async def record(self, tag: str) -> dict[str, Any]:
        response = await self.client.get(f"/agents/2/v2/orders/{tag}", auth=self.auth)
        content: dict[str, Any] = response.json()
        return content

    async def told(self, index: int, **order: Any) -> None:
        response = await self.client.post(f"/control/agents/{index}", json=order)
        assert response.status_code == 200, response.text

    async def ledger(self, index: int, kind: str) -> list[dict[str, Any]]:
        response = await self.client.get(f"/control/agents/{index}/ledger")
        return [entry for entry in response.json()["entries"] if entry["kind"] == kind]


@pytest.fixture
def fleet(tmp_path: Path) -> Steered:
    return Steered(tmp_path)


async def test_agents_of_both_contracts_trade(fleet: Steered) -> None:
    assert (await fleet.post(fleet.body("A"))).json()["outcome"] == "done"
    opened = await fleet.client.post("/agents/1/positions/open", json=V1)
    assert opened.json()["success"] is True
    assert [send["tag"] for send in await fleet.ledger(2, "send")] == ["A"]
    assert [send["magic"] for send in await fleet.ledger(1, "send")] == [234_000]
    assert await fleet.ledger(3, "send") == []


async def test_only_agents_that_were_asked_about_orders_have_a_journal(
    fleet: Steered, tmp_path: Path
) -> None:
    await fleet.client.get("/agents/2/v2/state", auth=fleet.auth)
    assert list(tmp_path.iterdir()) == []
    await fleet.record("A")
    assert "agent-2.journal" in {path.name for path in tmp_path.iterdir()}


async def test_the_next_order_is_late_and_the_one_after_is_not(fleet: Steered) -> None:
    await fleet.told(2, next_order="late", seconds=20)
    assert (await fleet.post(fleet.body("A"))).json()["outcome"] == "unknown"
    assert (await fleet.post(fleet.body("B"))).json()["outcome"] == "done"
    fleet.clock.turn(21)
    assert (await fleet.record("A"))["outcome"] == "done"


async def test_next_orders_may_be_several_and_return_codes(fleet: Steered) -> None:
    await fleet.told(2, next_order=["partial", 10018])
    assert (await fleet.post(fleet.body("A"))).json()["outcome"] == "partial"
    assert (await fleet.post(fleet.body("B"))).json()["retcode_name"] == "MARKET_CLOSED"


async def test_all_orders_meet_a_fault_until_it_is_taken_back(fleet: Steered) -> None:
    await fleet.told(2, orders="closed")
    for tag in ("A", "B"):
        assert (await fleet.post(fleet.body(tag))).json()["outcome"] == "rejected"
    await fleet.told(2, orders=None)
    assert (await fleet.post(fleet.body("C"))).json()["outcome"] == "done"


async def test_an_answer_that_is_cut_off_leaves_an_executed_order(fleet: Steered) -> None:
    await fleet.told(2, next_answer="cut")
    task = asyncio.create_task(fleet.post(fleet.body("A")))
    while not await fleet.ledger(2, "answer"):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert (await fleet.record("A"))["outcome"] == "done"
    assert (await fleet.post(fleet.body("A"))).json()["outcome"] == "done"
    assert len(await fleet.ledger(2, "send")) == 1


async def test_an_answer_is_held_back_after_the_order_was_executed(fleet: Steered) -> None:
    await fleet.told(1, next_answer="slow", seconds=0.2)
    task = asyncio.create_task(fleet.client.post("/agents/1/positions/open", json=V1))
    while not await fleet.ledger(1, "execution"):
        await asyncio.sleep(0)
    assert not task.done()
    # Questions are not held back, only the answer to that order.
    assert (await fleet.client.get("/agents/1/accounts")).status_code == 200
    assert (await task).json()["success"] is True


async def test_a_restarted_agent_knows_its_orders_and_finds_those_it_lost(fleet: Steered) -> None:
    done = (await fleet.post(fleet.body("A"))).json()
    await fleet.told(2, next_order="late", seconds=5)
    await fleet.post(fleet.body("B"))
    fleet.clock.turn(6)
    agent = fleet.member.agent
    await fleet.told(2, state="restart")
    assert fleet.member.agent is not agent
    assert fleet.member.state == "up"
    assert await fleet.record("A") == done
    assert fleet.member.agent.journal is not None
    assert fleet.member.agent.journal.unresolved(0) == []
    assert (await fleet.record("B"))["outcome"] == "done"
    assert len(await fleet.ledger(2, "send")) == 2


async def test_an_agent_on_another_login_refuses_and_comes_back(fleet: Steered) -> None:
    body = fleet.body("A")
    await fleet.told(2, login=4_242)
    state = (await fleet.client.get("/agents/2/v2/state", auth=fleet.auth)).json()
    assert (state["login"], state["positions"]) == (4_242, [])
    refusal = await fleet.post(body)
    assert problem_of(refusal) == "login-mismatch"
    assert refusal.json()["sent"] is False
    await fleet.told(2, login=body["expected_login"])
    assert (await fleet.post(fleet.body("B"))).json()["outcome"] == "done"


async def test_an_agent_may_be_on_the_account_of_another(fleet: Steered) -> None:
    theirs = fleet.members[3].terminal.account
    await fleet.told(2, login=theirs.login)
    assert fleet.member.terminal.account is theirs


async def test_switches_of_a_terminal(fleet: Steered) -> None:
    await fleet.told(2, read_only=True)
    assert problem_of(await fleet.post(fleet.body("A"))) == "trading-not-allowed"
    await fleet.told(2, read_only=False, auto_trading=False)
    assert problem_of(await fleet.post(fleet.body("B"))) == "trading-not-allowed"
    state = (await fleet.client.get("/agents/2/v2/state", auth=fleet.auth)).json()
    assert state["trade_allowed"] is False
    await fleet.told(2, auto_trading=True)
    assert (await fleet.post(fleet.body("C"))).json()["outcome"] == "done"


@pytest.mark.parametrize("which", ["all", "one"])
async def test_positions_are_reopened_under_new_tickets(fleet: Steered, which: str) -> None:
    await fleet.told(2, tickets_from=1_234_567_890_000_000_000)
    ticket = (await fleet.post(fleet.body("A"))).json()["position"]
    assert ticket > 1_234_567_890_000_000_000
    await fleet.told(2, reopen=True if which == "all" else ticket)
    state = (await fleet.client.get("/agents/2/v2/state", auth=fleet.auth)).json()
    (ours,) = (one for one in state["positions"] if one["identifier"] == ticket)
    assert ours["ticket"] > ticket


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"reopen": False},
        {"reopen": "all"},
        {"tickets_from": -1},
        {"tickets_from": 2**63},
        {"seconds": 3},
        {"surprise": 1},
        {"next_order": "sideways"},
        {"next_order": 5},
        {"orders": True},
        {"login": 0},
        {"login": "x"},
        {"next_answer": "x"},
        {"read_only": 1},
        {"state": "error", "next_order": "sideways"},
    ],
)
async def test_what_makes_no_sense_changes_nothing(fleet: Steered, body: dict[str, Any]) -> None:
    response = await fleet.client.post("/control/agents/2", json=body)
    assert response.status_code == 400
    assert fleet.member.state == "up"
    assert (await fleet.post(fleet.body("A"))).json()["outcome"] == "done"


async def test_the_ledger_is_only_read_and_only_with_control(fleet: Steered) -> None:
    assert (await fleet.client.post("/control/agents/2/ledger")).status_code == 405
    _, client = fleet_of(2, control=False)
    assert (await client.get("/control/agents/2/ledger")).status_code == 404


async def test_a_journal_that_cannot_be_opened_is_told(fleet: Steered, tmp_path: Path) -> None:
    (tmp_path / "agent-2.journal").write_bytes(b"no database" * 900)
    response = await fleet.post(fleet.body("A"))
    assert response.status_code == 503
    assert response.json()["type"] == "journal-unreadable"
    assert await fleet.ledger(2, "send") == []
