"""How near a price is to a level at which something happens, measured by how it moved lately.

The movement of a position is the larger of its last step between two readings and what is left of
the steps before; it is kept with the position, and written only when its price is.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from accounts.agents import PositionReading
from accounts.models import Position

FADES = Decimal("0.8")  # what is left of an earlier movement after each further step
# In movements. A price that has come near must go further away before it counts as far again.
NEAR, FAR = 3, 5
PLACES = Decimal("0.00000001")
NAMES = ("stop-loss", "take-profit", "opening price")  # the most urgent first


class Moved(NamedTuple):
    """A position as it was read, and the movement of its price; None while that is unknown."""

    told: PositionReading
    movement: Decimal | None


def movement(before: Position | None, price: Decimal) -> Decimal | None:
    """Return the movement after a reading with this price, in price units."""
    if before is None:
        return None
    step = abs(price - before.current_price)
    if not step:
        return before.movement
    return max(step, (before.movement or Decimal(0)) * FADES).quantize(PLACES)


def watched(positions: Iterable[Moved], before: str) -> str:
    """Return what a price is near to, in words; empty for nothing. `before`: what it was."""
    within = FAR if before else NEAR
    near = [
        (level, position.told.ticket, position.told.symbol)
        for position in positions
        if position.movement is not None
        for level in _levels_within(position.told, position.movement * within)
    ]
    if not near:
        return ""
    level, _, symbol = min(near)
    return f"{symbol} is near its {NAMES[level]}"


def _levels_within(told: PositionReading, reach: Decimal) -> Iterable[int]:
    """A price beyond a stop or a target is at it."""
    sign = 1 if told.side == "BUY" else -1
    if told.sl is not None and (told.current_price - told.sl) * sign <= reach:
        yield 0
    if told.tp is not None and (told.tp - told.current_price) * sign <= reach:
        yield 1
    if abs(told.current_price - told.open_price) <= reach:
        yield 2
