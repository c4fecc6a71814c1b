"""What prices say of the tick size: every price of a symbol is a multiple of it. Pure.

Their greatest common divisor is therefore an upper bound. It proves the tick only where it is the
point, below which no tick can be: brokers quote some symbols in steps larger than their tick.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from math import gcd

# To one, against chance, before prices count as evidence.
ODDS = 10_000
FEWEST = 4
# Deals that were filled in parts may have an average as their price, which is on no tick.
SHARE = Decimal("0.9")


@dataclass(frozen=True, slots=True)
class Grid:
    """Distinct prices in whole points; those that are no whole number of points are left out."""

    numbers: tuple[int, ...]

    @classmethod
    def of(cls, prices: Iterable[Decimal], point: Decimal) -> "Grid":
        whole = {int(price / point) for price in prices if price > 0 and not price % point}
        return cls(tuple(sorted(whole)))

    @property
    def count(self) -> int:
        return len(self.numbers)

    @property
    def step(self) -> int:
        """The most points of which all prices are multiples; 0 without a price."""
        return gcd(*self.numbers)

    @property
    def proves_the_point(self) -> bool:
        """Whether a tick is one point. One price that is an average must not decide it: the rest
        says the same whichever is left out."""
        numbers = self.numbers
        rests = (numbers[:left_out] + numbers[left_out + 1 :] for left_out in range(len(numbers)))
        return len(numbers) > 1 and all(gcd(*rest) == 1 for rest in rests)

    @property
    def speaks_against_the_point(self) -> bool:
        """Whether so many prices on a wider step are no chance."""
        step = self.step
        return step > 1 and self.count >= FEWEST and step**self.count >= ODDS

    def allows(self, tick: int) -> bool:
        """Whether a tick can be that many points: all prices are on it, averages aside."""
        if tick == 1:
            return True
        on_tick = sum(1 for number in self.numbers if not number % tick)
        return bool(self.numbers) and on_tick >= SHARE * self.count
