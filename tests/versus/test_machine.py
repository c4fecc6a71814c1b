"""Versus under random faults, deaths, twins and time; the ledger of the venue is the judge.

VERSUS_EXAMPLES and VERSUS_STEPS make it longer.
"""

import contextlib
import os
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission
from django.core.exceptions import PermissionDenied
from hypothesis import HealthCheck
from hypothesis import settings as profile
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from accounts.models import Account, Agent
from agent.simulated.trade_faults import TRADE_FAULTS
from tests.factories import make_user
from tests.trading.judge import Judge
from tests.trading.stage import Stage
from tests.versus.pair import Pair
from trading import reconcile, settling
from trading.models import Order, TradingSwitch, Versus
from trading.states import EXECUTED
from trading.states import State as OrderState
from trading.versus import desk, schedule
from trading.versus.desk import NotNow
from trading.versus.driver import drive
from trading.versus.legs import Legs
from trading.versus.states import ENDED, State

pytestmark = pytest.mark.both_databases

EXAMPLES = int(os.environ.get("VERSUS_EXAMPLES", "12"))
STEPS = int(os.environ.get("VERSUS_STEPS", "15"))
# Names of agents at the venue, of A and of B; the odd ones speak contract 1.
PAIRS = st.sampled_from([("2", "6"), ("2", "6"), ("1", "6"), ("2", "3"), ("1", "3")])
A, B = "a", "b"
ROLE = st.sampled_from([A, B])
FATE = st.sampled_from(["arrives"] * 3 + ["unheard"] * 2 + ["refused", "lost", "late", "garbled"])
FAULTS = st.lists(st.sampled_from([None] * 3 + sorted(set(TRADE_FAULTS) - {"lie"})), max_size=4)
# A run has some dozens of commits and boundaries of requests.
POINT = st.sampled_from([None] * 3 + list(range(0, 70, 3)))
CALM = st.sampled_from([True, True, True, False])
TROUBLE = st.sampled_from(["die"] * 4 + ["twin"] * 3 + ["wait 12", "beat", "switch", "permission"])
UNDONE = {State.CANCELLED, State.COMPENSATED, State.MISSED, State.PENDING, State.CLOSED}
UNDER_WAY = {State.FREEZING, State.TRANSFERRING, State.CLOSING, State.UNPROTECTED}


class VersusRuns(RuleBasedStateMachine):
    failed = False

    def __init__(self) -> None:
        super().__init__()
        self.stage = Stage(6)
        self.stage.patch.setattr(settings, "VERSUS_ENABLED", True)
        self.user = make_user("trading.run_versus", "trading.acknowledge_firm_rules")
        self.judge = Judge(self.stage)
        self.stopped: set[int] = set()  # tickets that the broker closed

    @initialize(
        agents=PAIRS,
        lots=st.sampled_from(["0.02", "0.05", "0.10"]),
        side=st.sampled_from(["BUY", "SELL"]),
        steps=st.integers(0, 2),
    )
    def begin(self, agents: tuple[str, str], lots: str, side: str, steps: int) -> None:
        """Pending, frozen or transferred."""
        Account.objects.all().delete()  # the pair has agents of its own rows
        Agent.objects.all().delete()
        self.pair = Pair(self.stage.venue, self.user, *agents, read=self.stage.poll)
        self.pk = self.pair.created(lots=Decimal(lots), side_a=side).pk
        for act in (desk.freeze, desk.transfer)[:steps]:
            act(self.versus, self.user)

    def teardown(self) -> None:
        try:
            if not self.failed and hasattr(self, "pk"):
                self.after_all_faults()
        finally:
            self.stage.close()

    @property
    def versus(self) -> Versus:
        return Versus.objects.select_related("account_a__agent", "account_b__agent").get(pk=self.pk)

    # --- what people do -------------------------------------------------------------------------
    @rule(role=ROLE, calm=CALM, fate=FATE, faults=FAULTS, at=POINT, trouble=TROUBLE)
    def go_on(
        self,
        role: str,
        calm: bool,
        fate: Any,
        faults: list[str | None],
        at: int | None,
        trouble: str,
    ) -> None:
        """Freeze or transfer, whichever is next."""
        if calm:
            self.recover()
            self.poll()
        act = desk.freeze if self.versus.state == State.PENDING else desk.transfer
        self.click(lambda: act(self.versus, self.user), role, fate, faults, at, trouble)

    @rule(role=ROLE, faults=FAULTS, at=POINT, trouble=TROUBLE)
    def close_both(self, role: str, faults: list[str | None], at: int | None, trouble: str) -> None:
        act = lambda: desk.close_both(self.versus, self.user, "enough")  # noqa: E731
        self.click(act, role, "arrives", faults, at, trouble)

    @rule()
    def settle_by_hand(self) -> None:
        """A person who looks well, and only when nothing is on its way any more."""
        for order in Order.objects.filter(state=OrderState.NEEDS_ATTENTION):
            if not self.judge.is_pending(order):
                outcome, ticket = self.found(order)
                said = self.stage.boss, outcome, "seen in the terminal", ticket
                settling.settle_by_hand(order, *said)

    def found(self, order: Order) -> tuple[OrderState, int | None]:
        """What the ledger says of it, and which position it opened."""
        deals = [entry["deal"] for entry in self.judge.executions(order)]
        if not deals:
            return OrderState.NOT_EXECUTED, None
        if order.kind == Order.Kind.OPEN:
            volume = sum(Decimal(str(deal.volume)) for deal in deals)
            whole = OrderState.FILLED if volume == order.volume else OrderState.PARTIAL
            return whole, deals[0].position_id
        role = A if order.account_id == self.pair.accounts[A].pk else B
        rest = order.position in self.terminal(role).account.positions
        closes = order.kind == Order.Kind.CLOSE
        return OrderState.PARTIAL if closes and rest else OrderState.FILLED, None

    # --- what goes on meanwhile -----------------------------------------------------------------
    @rule(at=POINT, trouble=TROUBLE)
    def beat(self, at: int | None, trouble: str) -> None:
        self.stage.interrupted(at, self.trouble(trouble), self.tend)

    @rule()
    def poll(self) -> None:
        for name in self.pair.names.values():
            self.stage.poll(name)

    @rule(seconds=st.sampled_from([1, 6, 16, 65]))
    def wait(self, seconds: int) -> None:
        self.stage.wait(seconds)

    @rule(role=ROLE, pick=st.integers(0, 3))
    def a_stop_is_hit(self, role: str, pick: int) -> None:
        terminal = self.terminal(role)
        ours = self.positions(role)
        if ours:
            position = ours[pick % len(ours)]
            self.stopped.add(position.ticket)
            terminal.account.close(position, int(self.stage.clock.time()))

    @rule(role=ROLE, state=st.sampled_from(["up", "down", "error", "unreadable", "disconnected"]))
    def agent_is(self, role: str, state: str) -> None:
        self.stage.venue.steer(self.pair.names[role], state=state)

    @rule(role=ROLE)
    def agent_restarts(self, role: str) -> None:
        self.stage.restart(self.pair.names[role])

    @rule()
    def recover(self) -> None:
        """All is as it should be again, but for what has happened."""
        for name in self.pair.names.values():
            self.stage.venue.member(name).enter("up")
            self.stage.venue.member(name).terminal.broker.faults.queued.clear()
        Agent.objects.update(trading_enabled=True)
        TradingSwitch.objects.update(is_on=True)
        names = ["run_versus", "acknowledge_firm_rules"]
        self.user.user_permissions.add(*Permission.objects.filter(codename__in=names))

    # --- what must hold -------------------------------------------------------------------------
    @invariant()
    def nothing_is_lost_or_doubled(self) -> None:
        if not hasattr(self, "pk"):
            return
        self.failed = True
        self.judge.look()
        self.no_step_is_taken_twice()
        self.exposure_is_what_the_state_says()
        self.failed = False

    def no_step_is_taken_twice(self) -> None:
        opens = Order.objects.filter(versus=self.pk, kind="open", state__in=EXECUTED)
        taken = Counter(opens.values_list("run", "step"))
        assert max(taken.values(), default=0) <= 1, taken

    def exposure_is_what_the_state_says(self) -> None:
        versus = self.versus
        on_a, on_b = self.lots(A), self.lots(B)
        net = sum(on_a.values()) + sum(on_b.values())
        assert self.stopped or abs(net) <= versus.lots, (versus.state, on_a, on_b)
        if self.stopped or any(self.judge.is_pending(order) for order in versus.orders.all()):
            return
        if versus.state in UNDONE:
            assert not on_a, (versus.state, on_a)
            assert not on_b, (versus.state, on_b)
        if versus.state == State.FROZEN:
            assert sorted(on_a.values()) == [-versus.lots, versus.lots], on_a
            assert not on_b, on_b
        if versus.state in (State.TRANSFERRED, State.UNPROTECTED):
            sign = 1 if versus.side_a == "BUY" else -1
            assert list(on_a.values()) == [versus.lots * sign], on_a
            assert sum(on_b.values()) == -versus.lots * sign, on_b

    def after_all_faults(self) -> None:
        """Once they stop, it comes to rest, or asks for a person, who settles what is open."""
        self.recover()
        for seconds in (6, 40, 35, 35, 35, 65, 65):
            self.stage.wait(seconds)
            self.poll()
            self.settle_by_hand()
            self.tend()
        self.nothing_is_lost_or_doubled()
        versus = self.versus
        assert versus.state not in UNDER_WAY, (versus.state, versus.reason, drive(versus))
        known = {leg.key for leg in Legs(list(versus.orders.all())).open}
        for role in (A, B):
            held = {(self.pair.accounts[role].pk, one.ticket) for one in self.positions(role)}
            assert held <= known, (versus.state, "holds what it does not know")
            assert not held or versus.state not in ENDED, (versus.state, held)

    # --- how ------------------------------------------------------------------------------------
    def click(
        self,
        act: Callable[[], Any],
        role: str,
        fate: Any,
        faults: list[str | None],
        at: int | None,
        trouble: str,
    ) -> None:
        queued = self.terminal(role).broker.faults.queued
        if faults:
            self.stage.venue.steer(
                self.pair.names[role], next_order=[fault or "slippage" for fault in faults]
            )
        self.stage.line.fate = fate

        def tried() -> None:
            with contextlib.suppress(NotNow, PermissionDenied):
                act()

        self.stage.interrupted(at, self.trouble(trouble), tried)
        self.stage.line.fate = "arrives"
        queued.clear()

    def trouble(self, what: str) -> Callable[[], None]:
        name, _, seconds = what.partition(" ")
        acts: dict[str, Callable[[], Any]] = {
            "die": self.stage.die,
            "wait": lambda: self.stage.wait(float(seconds)),
            "beat": self.tend,
            "twin": lambda: drive(self.versus),
            "switch": lambda: TradingSwitch.objects.update(is_on=False),
            "permission": self.user.user_permissions.clear,
        }
        return acts[name]

    def tend(self) -> None:
        reconcile.tend()
        schedule.tend()

    def terminal(self, role: str) -> Any:
        return self.stage.venue.member(self.pair.names[role]).terminal

    def positions(self, role: str) -> list[Any]:
        """Of the versus, by the ledger: contract 1 knows no marks, and brokers lose some."""
        ours = Order.objects.filter(versus=self.pk, account=self.pair.accounts[role], kind="open")
        told = [entry for order in ours for entry in self.judge.executions(order)]
        tickets = {entry["deal"].position_id for entry in told}
        held = self.terminal(role).account.positions.values()
        return [position for position in held if position.ticket in tickets]

    def lots(self, role: str) -> dict[int, Decimal]:
        """By ticket; what was sold is less than nothing."""
        return {
            position.ticket: Decimal(str(position.volume)) * (-1 if position.side else 1)
            for position in self.positions(role)
        }


TestVersus = pytest.mark.django_db(VersusRuns.TestCase)
TestVersus.settings = profile(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
