"""One agent: a terminal, what was configured about it, and its secret."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from agent.broker_clock import BrokerClock
from agent.orders.desk import OrderDesk
from agent.orders.journal import Journal
from agent.readings import (
    AccountReading,
    StateReading,
    read_alone,
    read_first_day,
    read_state,
)
from agent.records import MetaTrader5
from agent.signing import Nonces
from agent.terminal import Terminal

# The three shapes in which agents in the field answer GET /accounts.
AccountsShape = Literal["object", "list", "wrapped"]
CLOCK_SYMBOL = "EURUSD"
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

    def _days(self, mt5: MetaTrader5, login: int, symbols: set[str]) -> int | None:
        """Also learns the broker's clock, from the ticks of `symbols` and one more."""
        now = self.clock()
        if self._opened is None or self._opened[0] != login:
            if self._opened is not None:
                self.broker_clock.forget()
            first = self.opened_on
            self._opened = (login, read_first_day(mt5, int(now)) if first is None else first)
        if self.broker_clock.learns:
            self._compare_clocks(mt5, {CLOCK_SYMBOL} | symbols, now)
        first_day = self._opened[1]
        return None if first_day is None else max(1, int(now) // 86_400 - first_day + 1)

    def _compare_clocks(self, mt5: MetaTrader5, names: set[str], now: float) -> None:
        for name in names:
            tick = mt5.symbol_info_tick(name)
            if tick is not None:
                self.broker_clock.look(name, tick.time_msc, now)
