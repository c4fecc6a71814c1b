"""One desk, two agents and a line between them, on a clock of their own; the sender can be stopped
at every commit and at every boundary of a request."""

import logging
import ssl
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from contextvars import Token
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.transaction import Atomic

from accounts.agents import AgentClient, Endpoint, Limits, once
from accounts.models import Agent
from accounts.polling import fetch
from accounts.polling.recorder import Recorder
from agent.members import build_members
from mt5monitor import loop
from tests.factories import make_user
from tests.trading.desk import Desk
from tests.trading.line import HOST, Line, under_way
from tests.venue import Venue
from trading import orders, wire
from trading.models import Order, TradingSwitch
from trading.states import State

TICK = timedelta(milliseconds=1)
NOWHERE = "http://127.0.0.1:9"  # where no agent answers
TLS = ssl.create_default_context()


class Killed(BaseException):
    """The process ends here."""


class Clock:
    """Every look at it takes a millisecond."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC)

    def now(self, zone: object = None) -> datetime:
        self.at += TICK
        return self.at

    def time(self) -> float:
        return self.at.timestamp()

    def turn(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class NearVenue(Venue):
    """Without HTTP, on the clock of the stage."""

    def __init__(self, folder: Path, clock: Clock, count: int) -> None:
        self.members = build_members(
            count, journal_dir=folder, older=False, secret_seed="s", clock=clock.time
        )

    def endpoint(self, name: str) -> Endpoint:
        member = self.member(name)
        url = HOST + member.path
        return Endpoint(member.index, "real", url, member.contract, secret=member.agent.secret)


class Alarm(logging.Handler):
    """What the code caught, logged and went on from."""

    def __init__(self, heard: list[str]) -> None:
        super().__init__(logging.ERROR)
        self.heard = heard

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(logging.Formatter().format(record))


class Stage:
    """`violations`: what was wrong at a moment where nobody could be told of it."""

    def __init__(self, agents: int = 2) -> None:
        self.stack = ExitStack()
        self.folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.clock = Clock()
        self.violations: list[str] = []
        self.interruption: tuple[int, Callable[[], None]] | None = None
        atomic = transaction.atomic()
        # Else the doors that must not be inside of a transaction would refuse to open.
        atomic._from_testcase = True  # type: ignore[attr-defined]
        self.stack.enter_context(atomic)
        self.depth = len(connection.atomic_blocks)
        self.venue = NearVenue(self.folder, self.clock, agents)
        # With contract 1, what a person opens by hand is taken for a late fill of the same lots.
        self.venue.members[0].terminal.world.market.on_second = None
        self.line = Line(self.venue, self.stop, self.wrote)
        self.patch = self.stack.enter_context(pytest.MonkeyPatch.context())
        self._set()
        alarm = Alarm(self.violations)
        for name in ("trading", "accounts"):
            logging.getLogger(name).addHandler(alarm)
            self.stack.callback(logging.getLogger(name).removeHandler, alarm)
        self.desk = Desk(self.venue, make_user("accounts.view_account", "trading.trade"))
        for member in self.venue.members:  # as agents do when they start
            if member.contract == "2":
                member.open_journal()
        self.boss = make_user("trading.trade", "trading.settle_order", "trading.override_lock")

    def _set(self) -> None:
        client = AgentClient(Limits(allowed_networks=("127.0.0.0/8",)), tls=TLS)
        self.patch.setattr(client, "_current", lambda: self.line)
        for module in (wire, orders, fetch):
            self.patch.setattr(module, "client", lambda: client)
        self.patch.setattr(wire, "loop", self.line)
        self.patch.setattr("django.utils.timezone.now", self.clock.now)
        self.patch.setattr(once, "datetime", SimpleNamespace(now=self.clock.now))
        steady = {"sleep": lambda _: self.clock.turn(1), "monotonic": self.clock.time}
        self.patch.setattr(orders, "time", SimpleNamespace(**steady))
        self.patch.setattr(settings, "TRADING_ENABLED", True)
        self.patch.setattr(wire, "trade", self._told_of(wire.trade))
        self.patch.setattr(orders, "change", self._allowed(vars(orders)["change"]))
        self.patch.setattr(Atomic, "__exit__", self._watched(Atomic.__exit__))
        TradingSwitch.objects.update_or_create(
            pk=TradingSwitch.PK, defaults={"is_on": True, "instance": settings.INSTANCE_ID}
        )

    def close(self) -> None:
        self.interruption = None
        for member in self.venue.members:
            if member.agent.journal is not None:
                member.agent.journal.close()
        transaction.set_rollback(True)
        self.stack.close()

    def _told_of(self, trade: Callable[[Order], Any]) -> Callable[[Order], Any]:
        def told(order: Order) -> Any:
            token: Token[int] = under_way.set(order.pk)
            try:
                return trade(order)
            finally:
                under_way.reset(token)

        return told

    def _allowed(self, change: Callable[..., bool]) -> Callable[..., bool]:
        """Holds every claim to what is allowed in that moment."""

        def watched(order: Order, to: State, *words: Any, **how: Any) -> bool:
            changed = change(order, to, *words, **how)
            if changed and to == State.SENDING:
                agent = Agent.objects.get(accounts=order.account_id)
                trader = User.objects.get(pk=order.user_id)
                needed = "trading.run_versus" if order.versus_id else "trading.trade"
                on = TradingSwitch.on().exists() and not agent.refusal_to_trade()
                if not (on and agent.url == order.agent_url and trader.has_perm(needed)):
                    self.violations.append(f"{order} was claimed, and was not allowed")
            return changed

        return watched

    # --- where the sender can be stopped --------------------------------------------------------
    def _watched(self, leave: Callable[..., None]) -> Callable[..., None]:
        def watched(atomic: Atomic, kind: Any, error: Any, trace: Any) -> None:
            outermost = len(connection.atomic_blocks) == self.depth + 1
            if outermost and kind is None:
                try:
                    self.stop()
                except Killed as killed:
                    leave(atomic, Killed, killed, None)
                    raise
            leave(atomic, kind, error, trace)
            if outermost and kind is None:
                self.stop()

        return watched

    def stop(self) -> None:
        """One boundary: what is to happen there happens."""
        if self.interruption is None:
            return
        left, act = self.interruption
        inside = len(connection.atomic_blocks) > self.depth
        if left > 0 or (inside and act != self.die):
            self.interruption = (left - 1, act)
            return
        self.interruption = None
        act()

    def die(self) -> None:
        raise Killed

    def wrote(self, pk: int) -> None:
        """What must hold at the moment in which a trade begins to be written."""
        order = Order.objects.get(pk=pk)
        if order.state not in (State.SENDING, State.UNKNOWN, State.NEEDS_ATTENTION):
            self.violations.append(f"{order} was written while it was {order.state}")
        if len(connection.atomic_blocks) > self.depth:
            self.violations.append(f"{order} was written before its row was committed")
        if self.clock.at - TICK > order.valid_until:
            self.violations.append(f"{order} was written after its time")

    def interrupted(self, at: int | None, act: Callable[[], None], do: Callable[[], Any]) -> Any:
        """`do`, with `act` at its boundary number `at`; None when it died there."""
        if at is not None:
            self.interruption = (at, act)
        try:
            return do()
        except Killed:
            return None
        finally:
            self.interruption = None

    # --- what happens around --------------------------------------------------------------------
    def wait(self, seconds: float) -> None:
        """Time passes, and what was held up on the line arrives after the half of it."""
        self.clock.turn(seconds / 2)
        self.line.deliver()
        self.clock.turn(seconds / 2)
        self.venue.members[0].terminal.world.advance()

    def poll(self, name: str) -> None:
        """As a tick of the poller does with one agent, also where the machine has moved it to."""
        here, moved = self.venue.endpoint(name).url, f"{NOWHERE}/{name}"
        agent = Agent.objects.get(url__in=[here, moved])
        recorder = Recorder(touch_every_s=0)
        recorder.record([loop.run(fetch.read(agent.endpoint()))])
        recorder.close()  # else one with nothing new would not have been heard

    def restart(self, contract: str, *, forget: bool = False) -> None:
        """`forget`: its journal is lost."""
        member = self.venue.member(contract)
        if forget and member.agent.journal is not None and member.journal is not None:
            member.agent.journal.close()
            member.agent.journal = None
            for path in self.folder.glob(f"{member.journal.name}*"):
                path.unlink()
        loop.run(member.restart())
