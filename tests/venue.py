"""The agents that users install, over HTTP, on a simulated venue whose ledger is the judge."""

from pathlib import Path
from typing import Any

from accounts.agents import Endpoint, TradeRequest
from agent.control import READERS
from agent.fleet import Fleet, Nuisance
from agent.members import Member, build_members
from agent.server import Protocol
from tests.agents.orders import order, soon
from tests.serving import Serving

SYMBOL = "EURUSD"


class Venue:
    """Agents are named by their number; odd ones speak contract 1, even ones contract 2."""

    def __init__(self, folder: Path, count: int = 2) -> None:
        self.members = build_members(count, journal_dir=folder, older=False, secret_seed="s")
        app = Fleet(self.members, Nuisance(), control=True)
        self._serving = Serving(app, http=Protocol, ws="none")

    def __enter__(self) -> "Venue":
        self._serving.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._serving.__exit__()
        for member in self.members:
            if member.agent.journal is not None:
                member.agent.journal.close()

    def member(self, name: str) -> Member:
        return self.members[int(name) - 1]

    def endpoint(self, name: str) -> Endpoint:
        member = self.member(name)
        url = f"{self._serving.url}{member.path}"
        return Endpoint(member.index, "real", url, member.contract, secret=member.agent.secret)

    def steer(self, contract: str, **how: Any) -> None:
        for name, value in how.items():
            READERS[name](self.member(contract), value, None)()

    def entries(self, contract: str, kind: str) -> list[dict[str, Any]]:
        ledger = self.member(contract).terminal.world.venue.ledger
        return [e for e in ledger.of_agent(int(contract)) if e["kind"] == kind]

    def asked(self, contract: str, kind: str = "open", **changes: Any) -> TradeRequest:
        account = self.member(contract).terminal.account
        server = account.firm.server if contract == "2" else ""
        told = {"tag": f"ORDERTO{kind.upper()}", "symbol": SYMBOL}
        told |= {"expected_login": account.login, "expected_server": server, "expires_at": soon(20)}
        return order(kind, **{**told, **changes})
