"""Many simulated terminals behind one port: `python -m agent.fleet --agents 69 --port 9100`."""

import argparse
import asyncio
import functools
import os
import random
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from agent.app import AgentApp
from agent.control import control
from agent.faults import FAULTS, PASSING, cut, held
from agent.members import Member, build_members, read_secrets
from agent.orders.journal import JournalError
from agent.orders.routes import unreadable
from agent.problem import of_problem
from agent.server import KEEP_ALIVE_SECONDS, serve
from agent.simulated.ledger import Ledger

# What moves money, in both contracts.
ORDERS = {
    ("POST", "/v2/orders"),
    ("POST", "/positions/open"),
    ("POST", "/positions/close"),
    ("PUT", "/positions/modify"),
}


@dataclass(frozen=True, slots=True)
class Nuisance:
    """What goes wrong by itself: seconds added to every answer, and shares of the requests."""

    latency: float = 0.0
    fault_rate: float = 0.0
    disconnect_rate: float = 0.0


class Fleet:
    """The ASGI application of all members, under `/agents/<index>`."""

    def __init__(
        self, members: list[Member], nuisance: Nuisance, *, seed: int = 1, control: bool = False
    ) -> None:
        self.members = members
        self.nuisance = nuisance
        self.control = control
        self.random = random.Random(f"faults {seed}")  # noqa: S311
        self.apps = {"1": AgentApp("1"), "2": AgentApp("2")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path: str = scope["path"]
        member = self._member(path, "/agents/")
        if member is not None:
            scope["root_path"] = member.path
            await self._serve(member, scope, receive, send)
        elif path == "/":
            await JSONResponse({"agents": self.listing()})(scope, receive, send)
        elif self.control and (member := self._member(path, "/control/agents/")) is not None:
            await control(member, scope, receive, send)
        else:
            await JSONResponse({"detail": "Not Found"}, 404)(scope, receive, send)

    def listing(self) -> list[dict[str, Any]]:
        return [
            {
                "index": member.index,
                "name": member.agent.name,
                "path": member.path,
                "contract": member.contract,
                "login": member.terminal.account.login,
            }
            for member in self.members
        ]

    async def _serve(self, member: Member, scope: Scope, receive: Receive, send: Send) -> None:
        nuisance = self.nuisance
        delay = nuisance.latency + (member.seconds if member.state == "slow" else 0.0)
        if delay:
            await asyncio.sleep(delay)
        fault = FAULTS.get(member.state)
        if fault is None and nuisance.fault_rate and self.random.random() < nuisance.fault_rate:
            fault = FAULTS[self.random.choice(PASSING)]
        if nuisance.disconnect_rate and self.random.random() < nuisance.disconnect_rate:
            pause = self.random.uniform(5, 30)
            member.terminal.dropped_until = member.terminal.world.clock() + pause
        if member.state == "forged":
            send = forged(send)
        await (fault or self._app(member, scope))(scope, receive, send)

    def _app(self, member: Member, scope: Scope) -> ASGIApp:
        app: ASGIApp = self.apps[member.contract]
        path: str = scope["path"].removeprefix(member.path)
        if path.startswith("/v2/orders"):
            try:
                member.open_journal()
            except JournalError as error:
                return of_problem(unreadable(error))
        # Not before: the agent may have been started anew while the request was held up.
        scope["agent"] = member.agent
        if (scope["method"], path) not in ORDERS:
            return app
        befalls, member.next_answer = member.next_answer, None
        if befalls == "cut":
            return functools.partial(cut, app)
        return functools.partial(held, member.answer_seconds, app) if befalls else app

    def _member(self, path: str, prefix: str) -> Member | None:
        if not path.startswith(prefix):
            return None
        number = path[len(prefix) :].partition("/")[0]
        if not number.isascii() or not number.isdecimal() or number.startswith("0"):
            return None
        index = int(number[:9])
        return self.members[index - 1] if index <= len(self.members) else None


def forged(send: Send) -> Send:
    """Replaces the signature of an answer by one that nobody with the secret made."""

    async def send_forged(message: Any) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [
                (name, b"sig1=:" + b"A" * 43 + b"=:" if name == b"signature" else value)
                for name, value in message["headers"]
            ]
        await send(message)

    return send_forged


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m agent.fleet", description=__doc__)
    add = parser.add_argument
    add("--agents", type=int, default=69, help="how many, numbered from 1 (69)")
    add("--port", type=int, default=9100, help="0 takes a free one (9100)")
    add("--host", default="127.0.0.1")
    add("--seed", type=int, default=1, help="the same seed gives the same accounts and prices")
    add(
        "--contract",
        choices=("mixed", "1", "2"),
        default="mixed",
        help="mixed: odd agents speak v1 only, even ones v2 only (default)",
    )
    add("--secrets", metavar="FILE", help="JSON object of v2 secrets by index")
    add(
        "--secret-seed",
        default=os.environ.get("FLEET_SECRET_SEED", "demo"),
        help="text that all other v2 secrets derive from; FLEET_SECRET_SEED keeps it off the "
        "list of processes",
    )
    add(
        "--keep-alive",
        type=int,
        default=KEEP_ALIVE_SECONDS,
        help="seconds that an idle connection is kept (75)",
    )
    add("--control", action="store_true", help="serve POST /control/agents/<i>")
    add(
        "--journal-dir",
        type=Path,
        metavar="DIR",
        help="where the journals of v2 are kept, a file an agent; a folder of their own, removed "
        "at the end, when not given",
    )
    add(
        "--ledger",
        type=Path,
        metavar="FILE",
        help="what the venue was sent and executed; with it, positions outlive the process",
    )
    add("--same-shape", action="store_true", help="no agents of the older kinds among those of v1")
    _add_faults(parser)
    return parser.parse_args(arguments)


def _add_faults(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--latency", type=float, default=0.0, help="seconds added to every answer")
    add("--fault-rate", type=float, default=0.0, help="share of requests that fail (0 to 1)")
    add(
        "--disconnect-rate",
        type=float,
        default=0.0,
        help="share of requests at which a terminal loses its broker for 5 to 30 s",
    )
    add(
        "--trade-fault-rate",
        type=float,
        default=0.0,
        help="share of orders that are refused, executed late, in part, or without an answer",
    )


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    if options.journal_dir is not None:
        return _run(options, lambda: None)
    folder = tempfile.TemporaryDirectory(prefix="fleet-", ignore_cleanup_errors=True)
    with folder as name:
        options.journal_dir = Path(name)
        return _run(options, folder.cleanup)


def _run(options: argparse.Namespace, ended: Callable[[], None]) -> int:
    try:
        secrets = read_secrets(options.secrets) if options.secrets else {}
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{options.secrets}: {error}\n")
        return 1
    try:
        options.journal_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        ledger = Ledger(options.ledger)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    members = build_members(
        options.agents,
        seed=options.seed,
        contract=options.contract,
        secrets=secrets,
        secret_seed=options.secret_seed,
        older=not options.same_shape,
        ledger=ledger,
        journal_dir=options.journal_dir,
        trade_fault_rate=options.trade_fault_rate,
    )
    try:
        asyncio.run(_recover(members))
    except JournalError as error:
        sys.stderr.write(f"{options.journal_dir}: {error}\n")
        return 1
    nuisance = Nuisance(options.latency, options.fault_rate, options.disconnect_rate)
    serve(
        Fleet(members, nuisance, seed=options.seed, control=options.control),
        host=options.host,
        port=options.port,
        keep_alive=options.keep_alive,
        announcement=f"{options.agents} simulated agents",
        ended=ended,
    )
    return 0


async def _recover(members: list[Member]) -> None:
    for member in members:
        await member.recover()


if __name__ == "__main__":
    sys.exit(main())
