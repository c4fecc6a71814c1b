"""What a simulated account did before the process started.

The past is a function of the seed, the account and the calendar, not of when the process started:
a demo that is started again tomorrow tells the same story about yesterday. It is worked out when
somebody asks for it and kept nowhere.
"""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

from agent.records import TradeDeal
from agent.simulated.symbols import BY_NAME, Symbol

DAY = 86_400
FIRST_TICKET_SECOND = 1_500_000_000
# The upper half of each second's numbers, for deals made while the process runs: positions that it
# starts with were opened within the past days, perhaps in the same second as a deal of theirs.
LIVE_TICKETS = 50


def ticket_at(second: int) -> int:
    """The first of a hundred ticket numbers that belong to one second of UTC since 1970."""
    return (second - FIRST_TICKET_SECOND) * 100


@dataclass(frozen=True, slots=True)
class Past:
    """`first_day` and `last_day` are whole days since 1970 (UTC); the last one is not included."""

    seed: int
    login: int
    offset: int
    initial_cents: int
    first_day: int
    last_day: int
    band: float
    symbols: tuple[str, ...]

    def balance_cents(self, day: int) -> int:
        """The balance at the start of a day: a slow wave inside a band around the deposit."""
        age = day - self.first_day
        if age <= 0:
            return self.initial_cents
        phase = self.login % 97
        wave = math.sin(age / 9 + phase) + 0.5 * math.sin(age / 3.7 + 2 * phase)
        share = self.band * (1 - math.exp(-age / 8)) * (0.6 + 0.4 * wave / 1.5)
        return self.initial_cents + round(self.initial_cents * share)

    def deals(self, since: int, until: int) -> Iterator[TradeDeal]:
        """Deals with `since` <= second of UTC <= `until`, oldest first."""
        first = max(self.first_day, since // DAY)
        for day in range(first, min(self.last_day, until // DAY + 1)):
            for deal in self._day(day):
                if since <= deal.time - self.offset <= until:
                    yield deal

    def _day(self, day: int) -> Iterator[TradeDeal]:
        if day == self.first_day:
            yield self._deposit()
        change = self.balance_cents(day + 1) - self.balance_cents(day)
        if change == 0:
            return
        rng = random.Random(f"past {self.seed} {self.login} {day}")  # noqa: S311
        count = rng.randint(1, 4)
        shares = self._split(change, count, rng)
        width = (DAY - 7_200) // count
        for number, cents in enumerate(shares):
            opened = day * DAY + 3_600 + number * width + rng.randint(0, width // 3)
            closed = opened + rng.randint(300, width // 2)
            yield from self._trade(opened, closed, cents, BY_NAME[rng.choice(self.symbols)], rng)

    def _split(self, change: int, count: int, rng: random.Random) -> list[int]:
        spread = self.initial_cents // 400
        shares = [rng.randint(-spread, spread) for _ in range(count - 1)]
        return [*shares, change - sum(shares)]

    def _deposit(self) -> TradeDeal:
        second = self.first_day * DAY + 60
        return TradeDeal(
            ticket_at(second), 0, second + self.offset, (second + self.offset) * 1000, 2, 0, 0, 0,
            0, 0.0, 0.0, 0.0, 0.0, self.initial_cents / 100, 0.0, "", "Initial deposit", "",
        )  # fmt: skip

    def _trade(
        self, opened: int, closed: int, cents: int, symbol: Symbol, rng: random.Random
    ) -> tuple[TradeDeal, TradeDeal]:
        """One trade that changes the balance by `cents`.

        Its profit is what its prices make of its volume, as with a real broker; what the ticks
        cannot make of the sum is swap.
        """
        side, ticket, out = rng.randint(0, 1), ticket_at(opened), ticket_at(closed)
        volume = max(symbol.volume_min, round(self.initial_cents / 2_500_000, 1))
        fee = round(symbol.lot_fee * volume, 2)
        wanted = round(cents / 100 + 2 * fee, 2)
        entry = _on_tick(symbol.reference * (1 + rng.uniform(-0.01, 0.01)), symbol)
        exit_price = _on_tick(_exit(symbol, entry, wanted * (1 - 2 * side), volume), symbol)
        profit = _profit(symbol, entry, exit_price, volume) * (1 - 2 * side) + 0.0
        swap = round(wanted - profit, 2) + 0.0
        reason = rng.choice((0, 5 if profit > 0 else 4))
        broker_in, broker_out = opened + self.offset, closed + self.offset
        return (
            TradeDeal(
                ticket, ticket, broker_in, broker_in * 1000, side, 0, 0, ticket, 0, volume, entry,
                0.0 - fee, 0.0, 0.0, 0.0, symbol.name, "", "",
            ),
            TradeDeal(
                out, out, broker_out, broker_out * 1000, 1 - side, 1, 0, ticket, reason, volume,
                exit_price, 0.0 - fee, swap, profit, 0.0, symbol.name, "", "",
            ),
        )  # fmt: skip


def _on_tick(price: float, symbol: Symbol) -> float:
    return round(round(price / symbol.tick) * symbol.tick, symbol.digits)


def _exit(symbol: Symbol, entry: float, gain: float, volume: float) -> float:
    """Where a buy that opened at `entry` makes `gain` dollars."""
    if symbol.dollar == "own":
        return entry / (1 - gain / (volume * symbol.contract_size))
    return entry + gain / (volume * symbol.contract_size * _dollars(symbol))


def _profit(symbol: Symbol, entry: float, exit_price: float, volume: float) -> float:
    """Of a buy, in dollars."""
    rate = 1 / exit_price if symbol.dollar == "own" else _dollars(symbol)
    return round((exit_price - entry) * volume * symbol.contract_size * rate, 2)


def _dollars(symbol: Symbol) -> float:
    return 1.0 if symbol.dollar == "1" else BY_NAME[symbol.dollar].reference
