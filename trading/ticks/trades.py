"""What closed trades say of the value of a price: money per unit of price and lot. Pure.

Profit is rounded to the cent, so each trade allows an interval; trades prove a value where their
intervals meet. Trades that were closed in parts, or whose profit has swap in it, are outliers.
The profit of a symbol whose profit currency is not the account's moves with an exchange rate. Where
that is the symbol's own price (USDJPY on an account in USD), value times price is what stays;
otherwise the last trades say it, up to what the rate has moved since.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from statistics import median_low

LEAST_MOVE = 10  # points: shorter moves say too little beside the rounding
FEWEST = 2
SHARE = Decimal("0.6")  # of the usable trades, that must agree
SLACK = Decimal("0.001")  # the rate of a conversion is that of the bid or the ask
LAST = 5  # trades, where the exchange rate is another symbol's
ROUND = 2  # figures of a contract size, or of a value by it: no exchange rate is in those
# What a rate may move in the time that is looked at. Errors of a tick are whole factors.
TOLERANCE = Decimal("0.10")


@dataclass(frozen=True, slots=True)
class Trade:
    """A position that is closed, whole. `profit` is gross, in the currency of the account."""

    side: str
    entry: Decimal
    exit: Decimal
    lots: Decimal
    profit: Decimal

    @property
    def moved(self) -> Decimal:
        """In favour of the position."""
        return self.exit - self.entry if self.side == "BUY" else self.entry - self.exit

    @property
    def value(self) -> Decimal:
        return self.profit / (self.moved * self.lots)


@dataclass(frozen=True, slots=True)
class Worth:
    """Account currency, for a price change of 1 and one lot, at the present price.

    `trades` agree on it. `is_exact`: no exchange rate is in it, or the symbol's own; otherwise it
    is that of the time of the trades.
    """

    value: Decimal
    trades: int
    is_exact: bool


@dataclass(frozen=True, slots=True)
class _Meeting:
    """Where the intervals of the most trades meet."""

    low: Decimal
    high: Decimal
    trades: int

    @property
    def snapped(self) -> Decimal:
        """The shortest number in it: contract sizes are round."""
        exponent = self.high.adjusted()
        while True:
            step = Decimal(1).scaleb(exponent)
            found = (self.low / step).to_integral_value(ROUND_CEILING) * step
            if found <= self.high:
                return found
            exponent -= 1

    @property
    def figures(self) -> int:
        return len(self.snapped.normalize().as_tuple().digits)


def worth(trades: Iterable[Trade], point: Decimal, price: Decimal | None) -> Worth | None:
    """By trades, newest first; `price` is the symbol's own now. None where they prove nothing."""
    usable = [one for one in trades if one.lots > 0 and abs(one.moved) >= LEAST_MOVE * point]
    winning = [one for one in usable if one.profit and one.value > 0]
    needed = max(Decimal(FEWEST), SHARE * len(usable))
    fixed, own = _meeting(winning, lambda one: Decimal(1)), _meeting(winning, lambda one: one.exit)
    if fixed and fixed.trades >= needed and (not own or _simpler(fixed, own)):
        return Worth(fixed.snapped, fixed.trades, fixed.figures <= ROUND)
    if own and own.trades >= needed and price:
        return Worth(own.snapped / price, own.trades, own.figures <= ROUND)
    return _by_the_last(winning[:LAST], len(usable[:LAST]))


def _simpler(fixed: _Meeting, own: _Meeting) -> bool:
    """Trades at nearly one price fit both: the rounder number is a contract size."""
    return (fixed.trades, -fixed.figures) >= (own.trades, -own.figures)


def _meeting(trades: Sequence[Trade], factor: Callable[[Trade], Decimal]) -> _Meeting | None:
    half = _half_a_cent(trades)
    intervals = []
    for one in trades:
        value, scale = one.value * factor(one), factor(one) / (abs(one.moved) * one.lots)
        off = half * scale + SLACK * value
        intervals.append((value - off, value + off))
    if not intervals:
        return None
    meeting = max(
        ([pair for pair in intervals if pair[0] <= low <= pair[1]] for low, _ in intervals),
        key=len,
    )
    low, high = max(pair[0] for pair in meeting), min(pair[1] for pair in meeting)
    return _Meeting(low, high, len(meeting)) if low > 0 else None


def _half_a_cent(trades: Sequence[Trade]) -> Decimal:
    """Of the smallest unit that these profits have: accounts in yen have no cents."""
    exponents = [int(one.profit.normalize().as_tuple().exponent) for one in trades]
    return Decimal(5).scaleb(min([0, *exponents]) - 1)


def _by_the_last(trades: Sequence[Trade], usable: int) -> Worth | None:
    if len(trades) <= FEWEST or len(trades) < SHARE * usable:
        return None
    middle = median_low(one.value for one in trades)
    near = [one for one in trades if abs(one.value / middle - 1) <= TOLERANCE / 2]
    if len(near) <= FEWEST or len(near) < SHARE * usable:
        return None
    return Worth(middle, len(near), False)
