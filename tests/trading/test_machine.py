"""Random clicks, faults, deaths and time over the real code; the ledger of the venue is the judge.

MACHINE_EXAMPLES and MACHINE_STEPS make it longer: 1000 and 40 take some ten minutes.
"""

import os
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from hypothesis import HealthCheck
from hypothesis import settings as profile
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from accounts.models import Account, Agent
from agent.simulated.trade_faults import TRADE_FAULTS
from tests.trading.judge import Judge
from tests.trading.stage import NOWHERE, Stage
from trading import orders, reconcile, settling
from trading.models import Order, TradingSwitch
from trading.orders import Instruction, KeyTaken
from trading.states import OPEN, State

pytestmark = pytest.mark.both_databases

EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "30"))
STEPS = int(os.environ.get("MACHINE_STEPS", "25"))
CONTRACT = st.sampled_from(["2", "2", "1"])
FATE = st.sampled_from(
    ["arrives"] * 6 + ["refused", "lost", "unheard", "unheard", "late", "garbled"]
)
# A venue that lies is seen through by nobody before the account is polled.
FAULT = st.sampled_from([None] * 8 + sorted(set(TRADE_FAULTS) - {"lie"}))
# Most often between the commit of a row and its claim.
POINT = st.sampled_from([None] * 4 + [1] * 3 + list(range(10)))
TROUBLE = st.sampled_from(
    ["die"] * 5 + ["twin"] * 4 + ["wait 12", "wait 45", "wait 75", "beat", "beat", "rival"]
    + ["switch", "permission", "move", "login", "restart", "forget", "unreadable"]
)  # fmt: skip
PICK = st.integers(0, 9)
Trouble = tuple[int | None, str]


class Trading(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.stage = Stage()
        self.desk, self.line = self.stage.desk, self.stage.line
        self.judge = Judge(self.stage)
        self.clicks: list[tuple[str, str, Instruction, int]] = []
        self.set_back = 0

    def teardown(self) -> None:
        try:
            if not self.failed:
                self.recover()
                self.judge.after_all_faults()
        finally:
            self.stage.close()

    failed = False

    # --- clicks ---------------------------------------------------------------------------------
    @rule(
        contract=CONTRACT,
        kind=st.sampled_from(["open", "open", "close", "modify"]),
        side=st.sampled_from(["BUY", "SELL"]),
        pick=PICK,
        fate=FATE,
        fault=FAULT,
        at=POINT,
        trouble=TROUBLE,
    )
    def click(
        self,
        contract: str,
        kind: str,
        side: str,
        pick: int,
        fate: Any,
        fault: str | None,
        at: int | None,
        trouble: str,
    ) -> None:
        asked = self.asked(contract, kind, side, pick)
        if fault is not None:
            self.desk.venue.steer(contract, next_order=fault)
        self.line.fate = fate
        key = f"click {len(self.clicks)}"
        self.clicks.append((contract, key, asked, 0))
        self.do(at, trouble, lambda: orders.send(self.place(contract, key, asked)), contract)
        self.line.fate = "arrives"
        self.stage.venue.member(contract).terminal.broker.faults.queued.clear()

    @rule(pick=PICK, at=POINT, trouble=TROUBLE)
    def click_again(self, pick: int, at: int | None, trouble: str) -> None:
        """The same form, sent once more."""
        if self.clicks:
            contract, key, asked, _ = self.clicks[-1 - pick % len(self.clicks)]
            self.do(at, trouble, lambda: orders.send(self.place(contract, key, asked)), contract)

    @rule(pick=PICK)
    def click_with_other_values(self, pick: int) -> None:
        if self.clicks:
            contract, key, asked, _ = self.clicks[-1 - pick % len(self.clicks)]
            if Order.objects.filter(client_key=key).exists():
                other = Instruction(asked.kind, "XAUUSD", asked.side, position=asked.position)
                with pytest.raises(KeyTaken):
                    self.place(contract, key, other)

    @rule(pick=PICK, at=POINT, trouble=TROUBLE)
    def send_again(self, pick: int, at: int | None, trouble: str) -> None:
        if (order := self.order(pick)) is not None:
            self.do(at, trouble, lambda: orders.send(order), order.contract)

    @rule(pick=PICK)
    def cancel(self, pick: int) -> None:
        if (order := self.order(pick)) is not None:
            orders.cancel(order, "trader")

    @rule(pick=PICK)
    def settle_by_hand(self, pick: int) -> None:
        """A person who looks well, and only when nothing is on its way any more."""
        order = self.order(pick)
        if order is not None and not self.judge.is_pending(order):
            executed = bool(self.judge.executions(order))
            outcome = State.FILLED if executed else State.NOT_EXECUTED
            settling.settle_by_hand(order, self.stage.boss, outcome, "seen in the terminal")

    # --- what goes on meanwhile -----------------------------------------------------------------
    @rule(at=POINT, trouble=TROUBLE)
    def beat(self, at: int | None, trouble: str) -> None:
        self.do(at, trouble, reconcile.tend, "2")

    @rule(contract=CONTRACT, pick=PICK)
    def close_at_the_terminal(self, contract: str, pick: int) -> None:
        account = self.stage.venue.member(contract).terminal.account
        if positions := [p for p in account.positions.values() if p.ordered]:
            account.close(positions[pick % len(positions)], int(self.stage.clock.time()))

    @rule(contract=CONTRACT)
    def poll(self, contract: str) -> None:
        self.stage.poll(contract)

    @rule(seconds=st.sampled_from([1, 3, 11, 16, 40, 65]))
    def wait(self, seconds: int) -> None:
        self.stage.wait(seconds)

    @rule()
    def set_clock_back(self) -> None:
        """Less, in all, than what the reconciler allows for."""
        if self.set_back < 3:
            self.set_back += 1
            self.stage.clock.turn(-1)

    @rule(
        contract=CONTRACT,
        state=st.sampled_from(["up", "up", "down", "error", "zero", "unreadable", "disconnected"]),
    )
    def agent_is(self, contract: str, state: str) -> None:
        self.desk.venue.steer(contract, state=state)

    @rule(contract=CONTRACT, what=st.sampled_from(["login", "restart", "forget", "move", "agent"]))
    def meddle(self, contract: str, what: str) -> None:
        self.trouble(what, contract)()

    @rule(what=st.sampled_from(["switch", "permission"]))
    def forbid(self, what: str) -> None:
        self.trouble(what, "2")()

    @rule()
    def recover(self) -> None:
        """All is as it should be again, but for what has happened."""
        for contract, account in self.desk.accounts.items():
            member, terminal = self.stage.venue.member(contract), self.desk.venue.endpoint(contract)
            member.enter("up")
            member.log_in(account.number)
            agent = Agent.objects.filter(accounts=account)
            agent.update(url=terminal.url, trading_enabled=True)
        TradingSwitch.objects.update(is_on=True)
        permission = Permission.objects.get(codename="trade", content_type__app_label="trading")
        self.desk.trader.user_permissions.add(permission)

    @invariant()
    def nothing_is_lost_or_doubled(self) -> None:
        self.failed = True
        self.judge.look()
        self.failed = False

    # --- how ------------------------------------------------------------------------------------
    def do(self, at: int | None, trouble: str, act: Callable[[], Any], contract: str) -> None:
        self.stage.interrupted(at, self.trouble(trouble, contract), act)

    def trouble(self, what: str, contract: str) -> Callable[[], None]:
        name, _, seconds = what.partition(" ")
        agent = Agent.objects.filter(accounts=self.desk.accounts[contract])
        steer = self.desk.venue.steer
        acts: dict[str, Callable[[], Any]] = {
            "die": self.stage.die,
            "wait": lambda: self.stage.wait(float(seconds)),
            "beat": reconcile.tend,
            "twin": self.twin,
            "rival": lambda: orders.send(self.desk.place(contract)),
            "switch": lambda: TradingSwitch.objects.update(is_on=False),
            "permission": self.desk.trader.user_permissions.clear,
            "move": lambda: agent.update(url=f"{NOWHERE}/{contract}"),
            "agent": lambda: agent.update(trading_enabled=False),
            # Nothing ties a trade of contract 1 to a login, once the account was looked at.
            "login": lambda: steer("2", login=4242),
            "restart": lambda: self.stage.restart(contract),
            "forget": lambda: self.stage.restart(contract, forget=True),
            "unreadable": lambda: steer(contract, state="unreadable"),
        }
        return acts[name]

    def twin(self) -> None:
        """Another process that was told to send the newest order."""
        for order in Order.objects.order_by("-pk")[:1]:
            orders.send(order)

    def asked(self, contract: str, kind: str, side: str, pick: int) -> Instruction:
        if kind == "open":
            return self.desk.asked(side=side, volume=Decimal("0.02"))
        account = self.stage.venue.member(contract).terminal.account
        positions = [p for p in account.positions.values() if p.ordered]
        position = positions[pick % len(positions)] if positions else None
        side = ("BUY", "SELL")[position.side] if position else side
        levels = {"sl": Decimal("0.5") if side == "BUY" else Decimal("2")}
        ticket = position.ticket if position else 999
        changes: dict[str, Any] = levels if kind == "modify" else {}
        return self.desk.asked(kind, side=side, position=ticket, **changes)

    def place(self, contract: str, key: str, asked: Instruction) -> Order:
        account = Account.objects.select_related("agent").get(pk=self.desk.accounts[contract].pk)
        return orders.place(account, self.desk.trader, asked, key)

    def order(self, pick: int) -> Order | None:
        """One of the last; those that are not over first."""
        found = sorted(Order.objects.order_by("-pk")[:10], key=lambda o: o.state not in OPEN)
        return found[pick % len(found)] if found else None


TestTrading = pytest.mark.django_db(Trading.TestCase)
TestTrading.settings = profile(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
