"""The simulated agents of a fleet, made from a seed, and the states that they are told to be in."""

import dataclasses
import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from agent.agent import AccountsShape, Agent
from agent.broker_clock import BrokerClock
from agent.faults import FAULTS
from agent.orders.journal import Journal
from agent.problem import Problem
from agent.signing import Nonces
from agent.simulated.ledger import Ledger
from agent.simulated.terminal import SimulatedTerminal
from agent.simulated.trade_faults import TradeFaults
from agent.simulated.world import World
from agent.terminal import DirectTerminal
from agent.text_file import read_text

FleetContract = Literal["mixed", "1", "2"]
NextAnswer = Literal["cut", "slow"]
SLOW_SECONDS = 3.0
STATES = (
    *FAULTS, "up", "slow", "disconnected", "unreadable", "no-history", "nan", "markup", "forged",
)  # fmt: skip
# The first ones of these among twenty are agents of older kinds.
OLDER_SHAPES: dict[int, AccountsShape] = {7: "list", 13: "wrapped"}
WITHOUT_POSITIONS = 19


@dataclass(slots=True)
class Member:
    """One agent of the fleet and the state that it was told to be in.

    `journal` is where its journal is, or will be once it is asked about an order; None: it sends
    none. `next_answer` is what befalls the next answer to an order, held back for
    `answer_seconds` or cut off.
    """

    index: int
    agent: Agent
    contract: Literal["1", "2"]
    terminal: SimulatedTerminal
    journal: Path | None = None
    state: str = "up"
    seconds: float = SLOW_SECONDS
    next_answer: NextAnswer | None = None
    answer_seconds: float = SLOW_SECONDS

    @property
    def path(self) -> str:
        return f"/agents/{self.index}"

    def enter(self, state: str, seconds: float = SLOW_SECONDS) -> None:
        """`seconds` is how long a slow agent takes. Raises `Problem` for an unknown state."""
        check_state(state)
        self.state, self.seconds = state, seconds
        self.terminal.connected = state != "disconnected"
        self.terminal.positions_fail = state == "unreadable"
        self.terminal.history_fails = state == "no-history"
        self.terminal.balance_is_nan = state == "nan"
        self.terminal.name_is_markup = state == "markup"

    def open_journal(self) -> None:
        """On the first order or question about one: thousands of agents only watch."""
        if self.contract == "2" and self.journal is not None and self.agent.journal is None:
            now_ms = int(self.agent.clock() * 1000)
            self.agent.journal = Journal(self.journal, now_ms)

    async def restart(self) -> None:
        """As if the process had ended and come back: only its journal and the venue remember."""
        if self.agent.journal is not None:
            self.agent.journal.close()
        self.agent = dataclasses.replace(
            self.agent, journal=None, nonces=Nonces(time.time()), _desk=None, _opened=None
        )
        self.enter("up")
        await self.recover()

    async def recover(self) -> None:
        """What an agent does first when it starts with a journal from before."""
        if self.journal is not None and self.journal.exists():
            self.open_journal()
        if self.agent.desk is not None:
            await self.agent.desk.recover()

    def log_in(self, login: int, server: str = "") -> None:
        """Another login in the same terminal, at the same broker or at that server."""
        self.terminal.account = self.terminal.world.account_for(login, self.index, server)


def check_state(state: str) -> None:
    if state not in STATES:
        raise Problem(400, "state-unknown", "There is no such state", ", ".join(STATES))


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
    ledger: Ledger | None = None,
    journal_dir: Path | None = None,
    trade_fault_rate: float = 0.0,
) -> list[Member]:
    """All members; `older` lets a few of those with v1 answer in the older shapes."""
    world = World(seed, count, clock, ledger)
    known = secrets or {}
    members = [
        _member_of(
            world,
            index,
            contract if contract != "mixed" else ("1" if index % 2 else "2"),
            known.get(index) or derived_secret(secret_seed, index),
            older=older,
        )
        for index in range(1, count + 1)
    ]
    for member in members:
        member.terminal.broker.faults = TradeFaults(seed, member.index, trade_fault_rate)
        if journal_dir is not None and member.contract == "2":
            member.journal = journal_dir / f"agent-{member.index}.journal"
    return members


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
        trades_over_v1=True,
    )
    return Member(index, agent, contract, terminal)


def read_secrets(path: str) -> dict[int, bytes]:
    """A JSON object of secrets by index; `ValueError` when it is anything else."""
    content = json.loads(read_text(Path(path)))
    if not isinstance(content, dict):
        raise ValueError("the file with the secrets does not hold a JSON object")
    return {int(index): str(secret).encode() for index, secret in content.items()}
