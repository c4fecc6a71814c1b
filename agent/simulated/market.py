"""The one market of a process: prices that walk by themselves, and levels that wait for them."""

import heapq
import math
import random
from collections.abc import Callable
from typing import Protocol

from agent.simulated.symbols import BY_NAME, ON_REQUEST, SYMBOLS, Symbol

SECONDS_A_YEAR = 365 * 86_400
# Prices are pulled back with this time constant, so that a demo of weeks stays plausible.
PULL_SECONDS = 5 * 86_400.0


class Watched(Protocol):
    """Whoever waits for a level; `level_stands` is False once the level no longer matters."""

    def level_stands(self, level: float) -> bool: ...
    def level_reached(self, level: float, at: int) -> None: ...


class Levels:
    """Levels waiting for one price of one symbol; costs nothing a tick until one is reached."""

    __slots__ = ("_heap", "_limit", "_number", "_sign", "nearest")

    def __init__(self, *, rising: bool) -> None:
        self._sign = 1.0 if rising else -1.0
        self.nearest: float | None = None
        self._heap: list[tuple[float, int, Watched]] = []
        self._number = 0
        self._limit = 64

    def add(self, level: float, watched: Watched) -> None:
        if len(self._heap) >= self._limit:
            self._forget_fallen()
        self._number += 1
        heapq.heappush(self._heap, (self._sign * level, self._number, watched))
        self._set_nearest()

    def reach(self, price: float, at: int) -> None:
        """Tell everyone whose level `price` has reached, in the order of the levels."""
        heap, reached = self._heap, self._sign * price
        while heap and heap[0][0] <= reached:
            signed, _, watched = heapq.heappop(heap)
            if watched.level_stands(self._sign * signed):
                watched.level_reached(self._sign * signed, at)
        self._set_nearest()

    def _set_nearest(self) -> None:
        self.nearest = self._sign * self._heap[0][0] if self._heap else None

    def _forget_fallen(self) -> None:
        # A closed position leaves its other level behind; without this the heap grows for ever.
        self._heap = [item for item in self._heap if item[2].level_stands(self._sign * item[0])]
        heapq.heapify(self._heap)
        self._limit = max(64, 2 * len(self._heap))


class Quote:
    """The price of one symbol and everything that waits for it to move.

    It is worked out when somebody looks or waits for it: most seconds of most symbols pass unseen.
    """

    __slots__ = (
        "_ask",
        "_bid",
        "_priced_at",
        "ask_falls",
        "ask_rises",
        "bid_falls",
        "bid_rises",
        "deviation",
        "gauss",
        "step",
        "symbol",
    )

    def __init__(self, symbol: Symbol, walk: random.Random) -> None:
        self.symbol, self.gauss = symbol, walk.gauss
        self.deviation = self.gauss(0, symbol.volatility / 12)
        self.step = symbol.volatility / math.sqrt(SECONDS_A_YEAR)
        self.bid_rises, self.bid_falls = Levels(rising=True), Levels(rising=False)
        self.ask_rises, self.ask_falls = Levels(rising=True), Levels(rising=False)
        self._set_price()

    @property
    def bid(self) -> float:
        if self._priced_at != self.deviation:
            self._set_price()
        return self._bid

    @property
    def ask(self) -> float:
        if self._priced_at != self.deviation:
            self._set_price()
        return self._ask

    def _set_price(self) -> None:
        symbol = self.symbol
        price = symbol.reference * math.exp(self.deviation)
        tick = symbol.tick
        self._bid = round(round(price / tick) * tick, symbol.digits)
        # Spreads widen when the walk is far from home: not constant, yet no second random draw.
        points = round(symbol.spread * (1 + 4 * abs(self.deviation)))
        steps = max(round(points * symbol.point / tick), 1)
        self._ask = round(self._bid + steps * tick, symbol.digits)
        self._priced_at = self.deviation

    def reach(self, at: int) -> None:
        if self.bid_rises.nearest is not None and self.bid_rises.nearest <= self.bid:
            self.bid_rises.reach(self.bid, at)
        if self.bid_falls.nearest is not None and self.bid_falls.nearest >= self.bid:
            self.bid_falls.reach(self.bid, at)
        if self.ask_rises.nearest is not None and self.ask_rises.nearest <= self.ask:
            self.ask_rises.reach(self.ask, at)
        if self.ask_falls.nearest is not None and self.ask_falls.nearest >= self.ask:
            self.ask_falls.reach(self.ask, at)


class Market:
    """Prices at whole seconds of UTC since 1970, a function of the seed and the time alone.

    It moves only when asked (`advance`), one second a step, so an idle fleet costs nothing and two
    processes with the same seed and start show the same prices whatever they were asked before.
    """

    # A laptop that slept for days, or a fleet that nobody asked, must not replay all of them.
    LONGEST_CATCH_UP = 6 * 3_600

    def __init__(self, seed: int, start: int) -> None:
        self.now = start
        self._random = random.Random(f"market {seed}")  # noqa: S311
        self.quotes = {symbol.name: Quote(symbol, self._random) for symbol in SYMBOLS}
        # Each on a walk of its own: one more or fewer of these changes no other price.
        for symbol in ON_REQUEST:
            walk = random.Random(f"market {seed} {symbol.name}")  # noqa: S311
            self.quotes[symbol.name] = Quote(symbol, walk)
        self.on_second: Callable[[int], None] | None = None

    def advance(self, until: int) -> None:
        """Move on to the second `until`; earlier than now changes nothing."""
        if until - self.now > self.LONGEST_CATCH_UP:
            self.now = until - self.LONGEST_CATCH_UP
        while self.now < until:
            self.now += 1
            self._step(self.now)

    def _step(self, at: int) -> None:
        keep = 1 - 1 / PULL_SECONDS
        for quote in self.quotes.values():
            quote.deviation = quote.deviation * keep + quote.gauss(0.0, quote.step)
            quote.reach(at)
        if self.on_second is not None:
            self.on_second(at)

    def dollars(self, symbol: Symbol) -> float:
        """What one unit of the symbol's profit currency is worth in US dollars now."""
        if symbol.dollar == "1":
            return 1.0
        if symbol.dollar == "own":
            return 1.0 / self.quotes[symbol.name].bid
        return self.quotes[symbol.dollar].bid

    def margin(self, symbol: Symbol, volume: float, leverage: int) -> float:
        """The margin in dollars that a position of `volume` lots ties up."""
        price = 1.0 if symbol.dollar == "own" else self.quotes[symbol.name].bid
        rate = 1.0 if symbol.dollar == "own" else self.dollars(symbol)
        return volume * symbol.contract_size * price * rate / leverage

    def quote(self, name: str) -> Quote | None:
        return self.quotes.get(name) if name in BY_NAME else None
