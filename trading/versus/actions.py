"""What the plan of a versus can ask for next, and the driver does."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from trading.models import Order
from trading.versus.legs import Leg
from trading.versus.states import State


@dataclass(frozen=True, slots=True)
class Open:
    """Tried once in a run. `volume` None: the first half, whose size the symbol's step decides."""

    step: str
    on_b: bool
    side: str
    volume: Decimal | None


@dataclass(frozen=True, slots=True)
class Close:
    step: str
    attempt: int
    leg: Leg


@dataclass(frozen=True, slots=True)
class Protect:
    """Sets the mirror of B's stops at the leg that A keeps."""

    step: str
    attempt: int
    leg: Leg


@dataclass(frozen=True, slots=True)
class Send:
    """Placed, but not sent yet: whoever placed it has died."""

    order: Order


@dataclass(frozen=True, slots=True)
class Move:
    to: State
    reason: str


@dataclass(frozen=True, slots=True)
class Notice:
    """A leg is gone; its counterpart may follow within moments. None: all are there again."""

    gone_at: datetime | None


@dataclass(frozen=True, slots=True)
class Wait:
    reason: str = ""


Action = Open | Close | Protect | Send | Move | Notice | Wait
