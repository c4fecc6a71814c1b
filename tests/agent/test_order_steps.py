"""Random sequences of orders, faults, deaths of the agent at any step, and time; the ledger judges.

Whatever happens, the venue gets at most one `order_send` for a tag; what the agent once said of an
order holds for ever; what it called done, partial or not sent is so in the ledger.
"""

import asyncio
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from agent.orders.journal import Journal
from agent.simulated.terminal import SimulatedTerminal
from agent.simulated.trade_faults import TRADE_FAULTS
from tests.agent.trading import TradingDesk, moment

# Where the process may end: before or after any of these calls.
STEPS: list[tuple[type, str]] = [
    (Journal, "begin"),
    (Journal, "settle"),
    (Journal, "find"),
    (Journal, "refuse"),
    (Journal, "withhold"),
    (Journal, "note_search"),
    (SimulatedTerminal, "order_send"),
    (SimulatedTerminal, "history_deals_get"),
]
# A lie is told by the venue, and no agent can see through it.
HONEST = sorted(set(TRADE_FAULTS) - {"lie"})
FAULT = st.none() | st.tuples(st.sampled_from(HONEST), st.sampled_from([2.0, 20.0]))
# Most often around the one call that moves money.
DEATH = st.none() | st.sampled_from(
    [("SimulatedTerminal.order_send", True)] * 6
    + [("SimulatedTerminal.order_send", False), ("Journal.settle", True)] * 3
    + [(f"{owner.__name__}.{name}", after) for owner, name in STEPS for after in (False, True)]
)
TROUBLE = st.sampled_from([None] * 8 + ["connected", "positions_fail", "read_only", "login"])


class Killed(BaseException):
    """The process ends here."""


class Deaths:
    """Ends the process at one step, once."""

    def __init__(self) -> None:
        self.at: tuple[str, bool] | None = None
        self.undo: list[Callable[[], None]] = []
        for owner, name in STEPS:
            self._watch(owner, name)

    def _watch(self, owner: type, name: str) -> None:
        real = getattr(owner, name)
        key = f"{owner.__name__}.{name}"

        def watched(this: object, *arguments: object) -> object:
            self._die(key, False)
            answer = real(this, *arguments)
            self._die(key, True)
            return answer

        setattr(owner, name, watched)
        self.undo.append(lambda: setattr(owner, name, real))

    def _die(self, key: str, after: bool) -> None:
        if self.at == (key, after):
            self.at = None
            raise Killed


class Orders(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.desk = TradingDesk(Path(self.folder.name))
        self.deaths = Deaths()
        self.bodies: list[dict[str, Any]] = []
        self.told: dict[str, dict[str, Any]] = {}
        self.refusals: set[str] = set()

    def teardown(self) -> None:
        for undo in self.deaths.undo:
            undo()
        if self.desk.agent.journal is not None:
            self.desk.agent.journal.close()
        self.folder.cleanup()

    @initialize(hedging=st.booleans())
    def begin(self, hedging: bool) -> None:
        self.desk.account.hedging = hedging

    @rule(
        kind=st.sampled_from(["open", "open", "close", "modify"]),
        side=st.sampled_from(["BUY", "BUY", "SELL"]),
        volume=st.sampled_from([0.02] * 5 + [0.05, 0.015, 500.0]),
        lifetime=st.sampled_from([10] * 9 + [0]),
        pick=st.integers(0, 3),
        fault=FAULT,
        death=DEATH,
        trouble=TROUBLE,
    )
    def order(
        self,
        kind: str,
        side: str,
        volume: float,
        lifetime: int,
        pick: int,
        fault: tuple[str, float] | None,
        death: tuple[str, bool] | None,
        trouble: str | None,
    ) -> None:
        changes: dict[str, Any] = {"side": side, "volume": volume}
        if kind != "open":
            positions = list(self.desk.account.positions) or [999]
            position = positions[pick % len(positions)]
            changes = {"kind": kind, "side": None, "position": position}
            changes |= {"volume": None, "tp": 9.0} if kind == "modify" else {"volume": volume}
        body = self.desk.body(expires_at=moment(self.desk.clock() + lifetime), **changes)
        self.bodies.append(body)
        if fault is not None:
            self.desk.fault(*fault)
        with self.in_trouble(trouble):
            self.deaths.at = death
            self.send(body)

    @rule(pick=st.integers(0, 5), other=st.booleans(), death=DEATH, trouble=TROUBLE)
    def repeat(
        self, pick: int, other: bool, death: tuple[str, bool] | None, trouble: str | None
    ) -> None:
        """One of the last requests again, or another one under its tag."""
        if self.bodies:
            body = self.bodies[-1 - pick % len(self.bodies)]
            with self.in_trouble(trouble):
                self.deaths.at = death
                self.send(body | {"deviation": 7} if other else body)

    @rule(pick=st.integers(0, 5), death=DEATH, trouble=TROUBLE)
    def ask(self, pick: int, death: tuple[str, bool] | None, trouble: str | None) -> None:
        if self.bodies:
            tag = self.bodies[-1 - pick % len(self.bodies)]["tag"]
            with self.in_trouble(trouble):
                self.deaths.at = death
                response = self.call(self.desk.client.get, f"/v2/orders/{tag}")
            if response is not None:
                self.hear(response.json())

    @rule(seconds=st.sampled_from([1, 5, 25, -5]))
    def turn(self, seconds: int) -> None:
        self.desk.clock.turn(seconds)

    @contextmanager
    def in_trouble(self, trouble: str | None) -> Iterator[None]:
        """The terminal fails, may not trade, or is on another login, for one request."""
        terminal, mine = self.desk.terminal, self.desk.account
        if trouble == "login":
            terminal.account = terminal.world.account_for(777, mine.index)
        elif trouble is not None:
            setattr(terminal, trouble, not getattr(terminal, trouble))
        yield
        self.deaths.at = None
        if trouble == "login":
            terminal.account = mine
        elif trouble is not None:
            setattr(terminal, trouble, not getattr(terminal, trouble))

    @invariant()
    def no_tag_is_sent_twice(self) -> None:
        assert self.desk.most_sends() <= 1

    @invariant()
    def nothing_goes_to_another_login(self) -> None:
        assert {send["login"] for send in self.desk.sends()} <= {self.desk.account.login}

    @invariant()
    def nothing_is_sent_late(self) -> None:
        ends = {body["tag"]: datetime.fromisoformat(body["expires_at"]) for body in self.bodies}
        for send in self.desk.sends():
            assert send["at"] < ends[send["tag"]].timestamp()

    @invariant()
    def what_was_told_is_in_the_ledger(self) -> None:
        sent = {send["tag"] for send in self.desk.sends()}
        assert not self.refusals & sent
        for tag, told in self.told.items():
            lots = self.lots(tag)
            if told["outcome"] in ("done", "partial") and not told["external"]:
                assert told["volume"] is None or abs(lots - told["volume"]) < 1e-9
                assert told["recovered"] or tag in sent
            elif told["outcome"] == "rejected":
                assert lots == 0

    def lots(self, tag: str) -> float:
        deals = [entry["deal"] for entry in self.desk.executions(tag) if entry["deal"]]
        return float(sum(deal.volume for deal in deals))

    def send(self, body: dict[str, Any]) -> None:
        content = json.dumps(body)
        response = self.call(self.desk.client.post, "/v2/orders", content=content)
        if response is None:
            # Whoever recorded the request on its way sends it to the new process.
            response = self.call(self.desk.client.post, "/v2/orders", content=content)
        if response is None:
            return
        answer = response.json()
        if response.status_code == 200:
            self.hear(answer)
        elif answer.get("sent") is False:
            self.refusals.add(body["tag"])
        else:
            assert answer["type"] == "tag-conflict", answer

    def hear(self, answer: dict[str, Any]) -> None:
        """Once there is an end it is the end."""
        if answer["state"] == "unknown-tag":
            assert answer["tag"] not in self.told
            return
        before = self.told.get(answer["tag"])
        if before is not None and before["outcome"] != "unknown":
            assert answer == before
        self.told[answer["tag"]] = answer

    def call(self, method: Callable[..., Any], *arguments: Any, **more: Any) -> Any:
        """The answer, or None from an agent that died; it comes back at once."""
        with suppress(Killed):
            response: httpx.Response = asyncio.run(method(*arguments, **more))
            return response
        self.come_back()
        return None

    def come_back(self) -> None:
        """A new process recovers before it serves."""
        self.desk.restart()
        assert self.desk.agent.desk is not None
        asyncio.run(self.desk.agent.desk.recover())


TestOrders = Orders.TestCase
TestOrders.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)
