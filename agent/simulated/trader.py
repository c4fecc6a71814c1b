"""The people behind the simulated accounts: they open a position now and then, and close one."""

import heapq
import random

from agent.simulated.account import BUY, SELL, SimulatedAccount, SimulatedPosition
from agent.simulated.symbols import BY_NAME, Symbol

MOST_POSITIONS = 5


class Trader:
    """Acts for one account. What it does depends on the seed, the account and the market only."""

    __slots__ = ("account", "eager", "random", "symbols")

    def __init__(self, account: SimulatedAccount, seed: int, symbols: tuple[str, ...]) -> None:
        self.account = account
        self.random = random.Random(f"trader {seed} {account.login}")  # noqa: S311
        self.eager = self.random.random() < 0.6
        self.symbols = symbols

    def pause(self) -> int:
        """Seconds until the next decision: half an hour on average, or half a day."""
        return 30 + int(self.random.expovariate(1 / (1_800 if self.eager else 43_200)))

    def act(self, at: int) -> None:
        """Open a position or close one at random."""
        # What was ordered through the agent is for the one who ordered it to close.
        positions = {
            ticket: position
            for ticket, position in self.account.positions.items()
            if not position.ordered
        }
        crowded = len(positions) >= (MOST_POSITIONS if self.eager else 1)
        if positions and (crowded or self.random.random() < 0.4):
            chosen = self.random.choice(list(positions))
            self.account.close(positions[chosen], at)
        else:
            self.open(at)

    def open(self, at: int, *, ago: int = 0) -> SimulatedPosition | None:
        """Open a position now, or one that was opened `ago` seconds before the start."""
        symbol = BY_NAME[self.random.choice(self.symbols)]
        if not self.account.hedging and any(
            position.symbol is symbol for position in self.account.positions.values()
        ):
            return None
        side = self.random.choice((BUY, SELL))
        quote = self.account.market.quotes[symbol.name]
        distance = quote.bid * quote.step * 60 * self.random.uniform(0.7, 3)
        distance += (symbol.spread * 3 + symbol.stops_level * 2) * symbol.point
        price = self._old_price(symbol, quote.bid, distance) if ago else None
        sl, tp = self._levels(symbol, side, price or quote.bid, distance)
        volume = self._volume(symbol, distance)
        return self.account.open(symbol, side, volume, at - ago, sl=sl, tp=tp, price=price)

    def _old_price(self, symbol: Symbol, bid: float, distance: float) -> float:
        return round(bid + distance * self.random.uniform(-0.5, 0.5), symbol.digits)

    def _levels(
        self, symbol: Symbol, side: int, price: float, distance: float
    ) -> tuple[float, float]:
        """Stop-loss and take-profit; one position in six has no stop, one in four no target."""
        sign = 1 if side == BUY else -1
        sl = round(price - sign * distance, symbol.digits)
        tp = round(price + sign * distance * self.random.uniform(1.0, 2.2), symbol.digits)
        return (
            0.0 if self.random.random() < 1 / 6 else sl,
            0.0 if self.random.random() < 1 / 4 else tp,
        )

    def _volume(self, symbol: Symbol, distance: float) -> float:
        """Lots that risk between 0.1% and 0.5% of the deposit at `distance`."""
        dollars = self.account.market.dollars(symbol)
        risk = self.account.initial_balance * self.random.uniform(0.001, 0.005)
        lots = risk / (distance * symbol.contract_size * dollars)
        steps = max(1, round(min(lots, symbol.volume_max) / symbol.volume_step))
        return round(max(symbol.volume_min, steps * symbol.volume_step), 2)


class Desk:
    """All traders of a world, each waiting for the second of its next decision."""

    def __init__(self) -> None:
        self._due: list[tuple[int, int, Trader]] = []

    def add(self, trader: Trader, now: int) -> None:
        heapq.heappush(self._due, (now + trader.pause(), trader.account.index, trader))

    def on_second(self, at: int) -> None:
        while self._due and self._due[0][0] <= at:
            _, index, trader = self._due[0]
            trader.act(at)
            heapq.heapreplace(self._due, (at + trader.pause(), index, trader))
