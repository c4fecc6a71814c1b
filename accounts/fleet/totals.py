"""What a fleet amounts to. Readings that are stale or failed, or that nobody told, are left out."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.db.models import Count, Q

from accounts.fleet.columns import FLEET
from accounts.models import AccountQuerySet
from accounts.models.figures import fresh
from mt5monitor.sums import ExactSum

CONNECTED = Q(agent__enabled=True, agent__status="online") & ~Q(connected=False)
UNTOLD = "currency not told"


@dataclass
class Money:
    """A sum of the accounts that know the figure, by currency where there are several."""

    sums: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    counted: int = 0

    def add(self, currency: str, value: Decimal | None, counted: int) -> None:
        if value is not None:
            self.sums[currency] += value
            self.counted += counted

    @property
    def lines(self) -> list[tuple[str, Decimal]]:
        """(currency, sum). One line when at most one currency is told: agents of contract 1 tell
        none, and a desk that has one currency has it there as well."""
        told = [currency for currency in self.sums if currency]
        if len(told) <= 1:
            total = sum(self.sums.values(), Decimal(0))
            return [(told[0] if told else "", total)] if self.counted else []
        return [(name or UNTOLD, self.sums[name]) for name in sorted(self.sums)]


@dataclass(frozen=True)
class PhaseCount:
    name: str
    color: str
    count: int


TOTALLED: Final = [(column, column.total) for column in FLEET if column.total is not None]


@dataclass
class Sum(Money):
    """Of a column of the fleet."""

    label: str = ""
    signed: bool = False


def _sums() -> dict[str, Sum]:
    return {
        total.field: Sum(label=column.full_title, signed=total.signed) for column, total in TOTALLED
    }


@dataclass
class Totals:
    count: int = 0
    connected: int = 0
    fresh: int = 0
    sums: dict[str, Sum] = field(default_factory=_sums)
    phases: list[PhaseCount] = field(default_factory=list)

    @classmethod
    def of(cls, accounts: AccountQuerySet, now: datetime) -> "Totals":
        """One query, whatever the size of the fleet."""
        totals, phases = cls(), dict[tuple[int, str, str], int]()
        for group in _groups(accounts, now):
            totals._add(group)
            name = group["phase__name"] or ""
            order = -1 if group["phase__order"] is None else group["phase__order"]
            key = (order, name, group["phase__color"] or "none")
            phases[key] = phases.get(key, 0) + group["count"]
        totals.phases = [
            PhaseCount(name, color, count) for (_, name, color), count in sorted(phases.items())
        ]
        return totals

    def _add(self, group: dict[str, Any]) -> None:
        self.count += group["count"]
        self.connected += group["connected_"]
        self.fresh += group["fresh"]
        for name, total in self.sums.items():
            total.add(group["currency"], group[f"{name}_sum"], group[f"{name}_counted"])

    @property
    def left_out(self) -> int:
        return self.count - self.fresh


def _groups(accounts: AccountQuerySet, now: datetime) -> Any:
    is_fresh = fresh(now)
    sums: dict[str, Any] = {}
    for _, total in TOTALLED:
        sums[f"{total.field}_sum"] = ExactSum(total.field, filter=is_fresh)
        sums[f"{total.field}_counted"] = Count(total.field, filter=is_fresh)
    return accounts.values("phase__name", "phase__order", "phase__color", "currency").annotate(
        count=Count("pk"),
        connected_=Count("pk", filter=CONNECTED),
        fresh=Count("pk", filter=is_fresh),
        **sums,
    )
