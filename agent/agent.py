"""One agent: a terminal, what was configured about it, and its secret."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from agent.broker_clock import BrokerClock
from agent.errors import DealsUnreadable, TerminalError
from agent.orders.desk import OrderDesk
from agent.orders.journal import Journal
from agent.readings import (
    AccountReading,
    StateReading,
    read_alone,
    read_deals,
    read_first_day,
    read_state,
    read_watched,
)
from agent.records import AccountInfo, MetaTrader5, TradeDeal
from agent.signing import Nonces
from agent.terminal import Terminal
from agent.weeks import Weeks
from agent.zones import HOUR

# The three shapes in which agents in the field answer GET /accounts.
AccountsShape = Literal["object", "list", "wrapped"]
# While the broker's clock is not known, the symbols to learn it from are looked for this often.
LOOK_FOR_SYMBOLS = 300.0
# Longer than a broker takes to execute, shorter than the monitor waits for a trade.
ORDER_DEADLINE = 25.0


@dataclass(slots=True)
class Agent:
    """`holder`, `firm` and `initial_balance` are configured: a terminal does not know them.

    `secret` is None for an agent that serves v1 only. `journal` is that of the orders of v2, and
    without one it sends none; they are waited for `order_deadline` seconds. `trades_over_v1` lets
    anybody who reaches the agent trade, for v1 has no signatures. `opened_on` is the day of the
    first deal in days since 1970, looked up in the history when it is not given. `clock` gives UTC
    seconds.
    """

    name: str
    terminal: Terminal
    secret: bytes | None = None
    holder: str | None = None
    firm: str | None = None
    initial_balance: float | None = None
    opened_on: int | None = None
    accounts_shape: AccountsShape = "object"
    offers_positions: bool = True
    broker_clock: BrokerClock = field(default_factory=BrokerClock)
    clock: Callable[[], float] = time.time
    nonces: Nonces = field(default_factory=lambda: Nonces(time.time()))
    journal: Journal | None = None
    order_deadline: float = ORDER_DEADLINE
    trades_over_v1: bool = False
    _desk: OrderDesk | None = None
    _opened: tuple[int, int | None] | None = None
    _clock_of: int | None = None
    _watched: tuple[float, list[str]] = (-LOOK_FOR_SYMBOLS, [])
    _weeks: Weeks = field(default_factory=Weeks)

    @property
    def desk(self) -> OrderDesk | None:
        """Where orders of v2 are placed; None without a journal."""
        if self._desk is None and self.journal is not None:
            self._desk = OrderDesk(self.terminal, self.journal, self.clock, self.order_deadline)
        return self._desk

    async def state(self) -> tuple[StateReading, int | None]:
        """A reading and the days since the account's first deal; raises `TerminalError`."""
        return await self.terminal.run(self._read)

    async def account(self) -> tuple[AccountReading, int | None]:
        """The account alone and the days since its first deal; raises `TerminalError`."""
        return await self.terminal.run(self._read_alone)

    def _read(self, mt5: MetaTrader5) -> tuple[StateReading, int | None]:
        reading = read_state(mt5)
        return reading, self._days(mt5, reading.account.login, set(reading.contract_sizes))

    def _read_alone(self, mt5: MetaTrader5) -> tuple[AccountReading, int | None]:
        reading = read_alone(mt5)
        return reading, self._days(mt5, reading.account.login, set())

    async def deals(self, since: datetime, until: datetime) -> tuple[AccountInfo, list[TradeDeal]]:
        """Deals between two moments, oldest first. One whose time is not certain is given within an
        hour of them too. Raises `TerminalError`."""
        clock = self.broker_clock
        if clock.offset is None:
            await self.state()
        first, last = (clock.broker_seconds(moment) for moment in (since, until))
        account, found = await self.terminal.run(
            lambda mt5: read_deals(mt5, max(0, first - HOUR), last + HOUR)
        )
        unsure = [deal.time for deal in found if not clock.is_certain(deal.time_msc)]
        if unsure and clock.learns:
            await self._look_back(unsure[0], unsure[-1])
        return account, [deal for deal in found if clock.may_be_within(deal.time_msc, since, until)]

    async def _look_back(self, first: int, last: int) -> None:
        """Learn what the broker's clock was between two of its times, if bars can prove it."""
        now = self.clock()
        # Bars may have to be fetched from the broker first: without them, times stay uncertain.
        with contextlib.suppress(TerminalError):
            proofs = await self.terminal.run(lambda mt5: self._weeks.read(mt5, first, last, now))
            self.broker_clock.prove(proofs)

    def _days(self, mt5: MetaTrader5, login: int, symbols: set[str]) -> int | None:
        """Also learns the broker's clock, from the ticks of `symbols` and a few more. A history
        that cannot be read leaves the days unknown, and the account readable."""
        now = self.clock()
        self._learn_clock(mt5, login, symbols, now)
        if self._opened is None or self._opened[0] != login:
            try:
                first = read_first_day(mt5, int(now)) if self.opened_on is None else self.opened_on
            except DealsUnreadable:
                return None
            self._opened = (login, first)
        first_day = self._opened[1]
        return None if first_day is None else max(1, int(now) // 86_400 - first_day + 1)

    def _learn_clock(self, mt5: MetaTrader5, login: int, symbols: set[str], now: float) -> None:
        clock = self.broker_clock
        clock.turn(now)
        if not clock.learns:
            return
        if self._clock_of not in (None, login):
            clock.forget()
            self._weeks, self._watched = Weeks(), (-LOOK_FOR_SYMBOLS, [])
        self._clock_of = login
        if clock.offset is None and now - self._watched[0] >= LOOK_FOR_SYMBOLS:
            self._watched = (now, read_watched(mt5, now))
        for name in symbols.union(self._watched[1]):
            tick = mt5.symbol_info_tick(name)
            if tick is not None:
                clock.look(name, tick.time_msc, now)
