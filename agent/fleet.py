"""Many simulated terminals behind one port: `python -m agent.fleet --agents 69 --port 9100`."""

import argparse
import asyncio
import hmac
import json
import os
import random
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from agent.agent import AccountsShape, Agent
from agent.app import AgentApp, read_body
from agent.broker_clock import BrokerClock
from agent.faults import FAULTS, PASSING
from agent.problem import Problem, of_problem
from agent.server import KEEP_ALIVE_SECONDS, serve
from agent.simulated.terminal import SimulatedTerminal
from agent.simulated.world import World
from agent.terminal import DirectTerminal

FleetContract = Literal["mixed", "1", "2"]
SLOW_SECONDS = 3.0
STATES = (*FAULTS, "up", "slow", "disconnected", "unreadable", "nan", "markup", "forged")
# The first ones of these among twenty are agents of older kinds.
OLDER_SHAPES: dict[int, AccountsShape] = {7: "list", 13: "wrapped"}
WITHOUT_POSITIONS = 19


@dataclass(slots=True)
class Member:
    """One agent of the fleet and the state that it was told to be in."""

    index: int
    agent: Agent
    contract: Literal["1", "2"]
    terminal: SimulatedTerminal
    state: str = "up"
    seconds: float = SLOW_SECONDS

    @property
    def path(self) -> str:
        return f"/agents/{self.index}"

    def enter(self, state: str, seconds: float = SLOW_SECONDS) -> None:
        """`seconds` is how long a slow agent takes. Raises `Problem` for an unknown state."""
        if state not in STATES:
            raise Problem(400, "state-unknown", "There is no such state", ", ".join(STATES))
        self.state, self.seconds = state, seconds
        self.terminal.connected = state != "disconnected"
        self.terminal.positions_fail = state == "unreadable"
        self.terminal.balance_is_nan = state == "nan"
        self.terminal.name_is_markup = state == "markup"


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
            scope["root_path"], scope["agent"] = member.path, member.agent
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
        await (fault or self.apps[member.contract])(scope, receive, send)

    def _member(self, path: str, prefix: str) -> Member | None:
        if not path.startswith(prefix):
            return None
        number = path[len(prefix) :].partition("/")[0]
        if not number.isascii() or not number.isdecimal() or number.startswith("0"):
            return None
        index = int(number[:9])
        return self.members[index - 1] if index <= len(self.members) else None


async def control(member: Member, scope: Scope, receive: Receive, send: Send) -> None:
    """`POST {"state": ..., "seconds": ...}`: answers the state that the agent is in now."""
    try:
        if scope["method"] != "POST":
            raise Problem(405, "method-not-allowed", "Only POST changes a state")
        if any(name == b"origin" for name, _ in scope["headers"]):
            raise Problem(403, "browser-refused", "Pages of the web may not change a state")
        order = json.loads(await read_body(receive))
        if not isinstance(order, dict) or not isinstance(order.get("seconds", 0.0), int | float):
            raise Problem(400, "body-invalid", "The body is not an object that we know")
        member.enter(str(order.get("state")), float(order.get("seconds", SLOW_SECONDS)))
    except (ValueError, RecursionError):
        await of_problem(Problem(400, "body-invalid", "The body is not JSON"))(scope, receive, send)
    except Problem as error:
        await of_problem(error)(scope, receive, send)
    else:
        await JSONResponse({"index": member.index, "state": member.state})(scope, receive, send)


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


def derived_secret(secret_seed: str, index: int) -> bytes:
    """The secret of agent `index`: the demo derives the same one from the same seed."""
    message = f"agent-{index}".encode()
    return hmac.new(secret_seed.encode(), message, "sha256").hexdigest().encode()


def build_members(
    count: int,
    *,
    seed: int = 1,
    contract: FleetContract = "mixed",
    secrets: Mapping[int, bytes] | None = None,
    secret_seed: str = "",
    clock: Callable[[], float] = time.time,
    older: bool = True,
) -> list[Member]:
    """All members; `older` lets a few of those with v1 answer in the older shapes."""
    world = World(seed, count, clock)
    known = secrets or {}
    return [
        _member_of(
            world,
            index,
            contract if contract != "mixed" else ("1" if index % 2 else "2"),
            known.get(index) or derived_secret(secret_seed, index),
            older=older,
        )
        for index in range(1, count + 1)
    ]


def _member_of(
    world: World, index: int, contract: Literal["1", "2"], secret: bytes, *, older: bool
) -> Member:
    account = world.accounts[index - 1]
    terminal = SimulatedTerminal(world, account)
    # Old agents in the field often were never told the holder or the firm.
    holder = {3: None, 9: "Unknown"}.get(index % 20, account.holder)
    agent = Agent(
        name=f"{account.firm.name.split()[0]} {index}",
        terminal=DirectTerminal(terminal),
        secret=None if contract == "1" else secret,
        holder=holder,
        firm="N/A" if index % 20 == 11 else account.firm.name,
        initial_balance=None if index % 20 == 17 else account.initial_balance,
        opened_on=terminal.opened_on,
        accounts_shape=OLDER_SHAPES.get(index % 20, "object") if older else "object",
        offers_positions=not older or index % 20 != WITHOUT_POSITIONS,
        broker_clock=BrokerClock(account.firm.offset),
        clock=world.clock,
    )
    return Member(index, agent, contract, terminal)


def read_secrets(path: str) -> dict[int, bytes]:
    """A JSON object of secrets by index; `ValueError` when it is anything else."""
    content = json.loads(Path(path).read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise ValueError("the file with the secrets does not hold a JSON object")
    return {int(index): str(secret).encode() for index, secret in content.items()}


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
    add("--latency", type=float, default=0.0, help="seconds added to every answer")
    add("--fault-rate", type=float, default=0.0, help="share of requests that fail (0 to 1)")
    add(
        "--disconnect-rate",
        type=float,
        default=0.0,
        help="share of requests at which a terminal loses its broker for 5 to 30 s",
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
    add("--same-shape", action="store_true", help="no agents of the older kinds among those of v1")
    return parser.parse_args(arguments)  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    try:
        secrets = read_secrets(options.secrets) if options.secrets else {}
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{options.secrets}: {error}\n")
        return 1
    members = build_members(
        options.agents,
        seed=options.seed,
        contract=options.contract,
        secrets=secrets,
        secret_seed=options.secret_seed,
        older=not options.same_shape,
    )
    nuisance = Nuisance(options.latency, options.fault_rate, options.disconnect_rate)
    serve(
        Fleet(members, nuisance, seed=options.seed, control=options.control),
        host=options.host,
        port=options.port,
        keep_alive=options.keep_alive,
        announcement=f"{options.agents} simulated agents",
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
