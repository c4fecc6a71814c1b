"""What closed trades amount to. Money is realised; what is floating is in none of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Self

from django.db.models import Avg, Count, Max, Q, QuerySet
from django.db.models.functions import TruncDate
from django.utils import timezone

from mt5monitor.sums import ExactSum
from trading.models import ClosedTrade

CENT = Decimal("0.01")
CLOSED = Q(is_open=False)
WON, LOST = CLOSED & Q(net__gt=0), CLOSED & Q(net__lt=0)


@dataclass(frozen=True)
class Day:
    """Of settings.TIME_ZONE, or of the terminal's clock where contract 1 told the trades."""

    day: date
    net: Decimal
    trades: int


def days(trades: QuerySet[ClosedTrade]) -> list[Day]:
    """The days on which something was closed, in order."""
    at = TruncDate("closed_at_or_guess", tzinfo=timezone.get_default_timezone())
    known = trades.exclude(closed_at_or_guess=None).order_by().values(day=at)
    sums = known.annotate(sum=ExactSum("net"), count=Count("pk")).order_by("day")
    return [Day(row["day"], row["sum"], row["count"]) for row in sums]


@dataclass(frozen=True)
class Statistics:
    """Sums are of all trades, the realised part of those that are part open included; wins, losses
    and what follows from them are of those that are closed. None is not known."""

    count: int
    open_count: int
    guessed: int
    uncertain: int
    """Whose times are known but for the clock of their broker on that day."""
    profit: Decimal | None
    swap: Decimal | None
    commission: Decimal | None
    fee: Decimal | None
    net: Decimal | None
    no_swap: int
    no_commission: int
    open_net: Decimal | None
    won: int
    lost: int
    gains: Decimal | None
    losses: Decimal | None
    average_win: Decimal | None
    average_loss: Decimal | None
    largest_win: Decimal | None
    best: Day | None
    worst: Day | None

    @classmethod
    def of(cls, trades: QuerySet[ClosedTrade], days: Sequence[Day]) -> Self:
        """One query."""
        sums: dict[str, Any] = trades.order_by().aggregate(
            count=Count("pk"),
            open_count=Count("pk", filter=Q(is_open=True)),
            guessed=Count("pk", filter=Q(closed_at=None)),
            uncertain=Count("pk", filter=Q(times_uncertain=True, closed_at__isnull=False)),
            **{
                f"all_{name}": ExactSum(name)
                for name in ("profit", "swap", "commission", "fee", "net")
            },
            no_swap=Count("pk", filter=Q(swap=None)),
            no_commission=Count("pk", filter=Q(commission=None)),
            open_net=ExactSum("net", filter=Q(is_open=True)),
            won=Count("pk", filter=WON),
            lost=Count("pk", filter=LOST),
            gains=ExactSum("net", filter=WON),
            losses=ExactSum("net", filter=LOST),
            average_win=Avg("net", filter=WON),
            average_loss=Avg("net", filter=LOST),
            largest_win=Max("net", filter=WON),
        )
        best = max(days, key=lambda day: day.net, default=None)
        worst = min(days, key=lambda day: day.net, default=None)
        named = {name.removeprefix("all_"): value for name, value in sums.items()}
        return cls(**named, best=best, worst=worst)

    @property
    def costs(self) -> Decimal | None:
        """Commission and fee together."""
        if self.commission is None and self.fee is None:
            return None
        return (self.commission or Decimal(0)) + (self.fee or Decimal(0))

    @property
    def closed(self) -> int:
        return self.count - self.open_count

    @property
    def even(self) -> int:
        """Neither won nor lost."""
        return self.closed - self.won - self.lost

    @property
    def win_rate(self) -> Decimal | None:
        """Percent of the trades that are closed."""
        return Decimal(100 * self.won) / self.closed if self.closed else None

    @property
    def profit_factor(self) -> Decimal | None:
        """What was won for each unit that was lost; unknown where none was lost."""
        return (self.gains or Decimal(0)) / -self.losses if self.losses else None
