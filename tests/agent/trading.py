"""What the tests of trading share: one agent with a journal, on an account of its own."""

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from agent.agent import Agent
from agent.orders.journal import Journal
from agent.orders.request import OrderRequest, read_order
from agent.simulated.account import SimulatedAccount
from agent.simulated.ledger import Entry
from agent.simulated.terminal import SimulatedTerminal
from agent.simulated.trade_faults import fault_of
from tests.agent.parts import TurnedClock, one_agent, signing_client_of, terminal_of

LIFETIME = 10


class TradingDesk:
    """An agent, its venue, and orders that it is sent."""

    def __init__(self, folder: Path, **changes: Any) -> None:
        self.clock = TurnedClock()
        self.path = folder / "agent.journal"
        self.numbers = 0
        self.agent: Agent = one_agent(self.clock, journal=self.open_journal(), **changes)
        self.terminal: SimulatedTerminal = terminal_of(self.agent)
        self.account: SimulatedAccount = self.terminal.account
        self.terminal.world.market.on_second = None
        for position in list(self.account.positions.values()):
            self.account.close(position, int(self.clock()))
        self.client = signing_client_of(self.agent)

    def open_journal(self) -> Journal:
        return Journal(self.path, int(self.clock() * 1000))

    def restart(self) -> None:
        """The process ended and came back: the venue and the file of the journal are all that is
        left, and the journal is opened as it was left."""
        assert self.agent.journal is not None
        self.agent.journal.close()
        self.agent = one_agent(
            self.clock,
            terminal=self.agent.terminal,
            broker_clock=self.agent.broker_clock,
            journal=self.open_journal(),
        )
        self.client = signing_client_of(self.agent)

    def body(self, tag: str | None = None, **changes: Any) -> dict[str, Any]:
        """An order to buy 0.10 lots of EURUSD, with a tag and a magic number of its own."""
        self.numbers += 1
        content: dict[str, Any] = {
            "tag": tag or f"T{self.numbers}",
            "magic": 1_000 + self.numbers,
            "expected_login": self.account.login,
            "expected_server": self.account.firm.server,
            "expires_at": moment(self.clock() + LIFETIME),
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

    def change(self, kind: str, position: int | None, **changes: Any) -> dict[str, Any]:
        """An order to close or modify a position of EURUSD."""
        given = {"kind": kind, "position": position, "side": None, "volume": None}
        return self.body(**(given | changes))

    def order(self, **changes: Any) -> OrderRequest:
        return read_order(json.dumps(self.body(**changes)).encode())

    async def post(self, body: dict[str, Any]) -> httpx.Response:
        return await self.client.post("/v2/orders", json=body)

    async def placed(self, **changes: Any) -> dict[str, Any]:
        """What the agent answers to an order that it accepts."""
        response = await self.post(self.body(**changes))
        assert response.status_code == 200, response.text
        content: dict[str, Any] = response.json()
        return content

    async def changed(self, kind: str, position: int | None, **changes: Any) -> dict[str, Any]:
        response = await self.post(self.change(kind, position, **changes))
        assert response.status_code == 200, response.text
        content: dict[str, Any] = response.json()
        return content

    async def refused(self, body: dict[str, Any]) -> str:
        """The type of the refusal, having seen that it says that nothing was sent, and that
        nothing was."""
        before = len(self.sends())
        response = await self.post(body)
        assert response.status_code >= 400, response.text
        problem = response.json()
        assert problem["sent"] is False
        assert problem["title"]
        assert "signature" in response.headers
        assert len(self.sends()) == before
        return str(problem["type"])

    async def record(self, tag: str) -> dict[str, Any]:
        response = await self.client.get(f"/v2/orders/{tag}")
        assert response.status_code == 200, response.text
        content: dict[str, Any] = response.json()
        return content

    def fault(self, name: str | int, seconds: float | None = None) -> None:
        """Of the next order."""
        self.terminal.broker.faults.queued.append(fault_of(name, seconds))

    def entries(self, kind: str) -> list[Entry]:
        ledger = self.terminal.world.venue.ledger
        return [entry for entry in ledger.entries if entry["kind"] == kind]

    def sends(self) -> list[Entry]:
        return self.entries("send")

    def executions(self, tag: str) -> list[Entry]:
        """What the venue executed for the sends of a tag."""
        sends = {entry["number"] for entry in self.sends() if entry["tag"] == tag}
        return [entry for entry in self.entries("execution") if entry["send"] in sends]

    def most_sends(self) -> int:
        """Of any tag; more than 1 is a doubled order."""
        return max(Counter(entry["tag"] for entry in self.sends()).values(), default=0)

    def price(self, symbol: str = "EURUSD") -> tuple[float, float]:
        quote = self.account.market.quotes[symbol]
        return quote.bid, quote.ask


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
