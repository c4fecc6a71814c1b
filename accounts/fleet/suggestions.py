"""Pairs that would make a VS group: fresh accounts without one whose P/L is closest."""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import QuerySet

from accounts.models import Account
from accounts.models.figures import fresh

LOWEST, HIGHEST = Decimal(-10), Decimal(8)  # P/L in percent of the initial balance, both included


@dataclass(frozen=True, order=True)
class Candidate:
    pl_pct: Decimal
    number: int
    key: str = ""
    title: str = ""
    holder: str = ""
    phase: str = ""
    color: str = "none"
    firm: str = ""


@dataclass(frozen=True)
class Suggestion:
    first: Candidate
    second: Candidate

    @property
    def accounts(self) -> tuple[Candidate, Candidate]:
        return self.first, self.second

    @property
    def gap(self) -> Decimal:
        """Between the two P/L, in percent points."""
        return self.second.pl_pct - self.first.pl_pct


def suggest(candidates: Iterable[Candidate]) -> list[Suggestion]:
    """Pairs, closest P/L first; each account in one pair at most, the odd one out in none.

    The same candidates give the same pairs in whatever order they come: equal gaps go by the
    lower P/L, then by the lower number.
    """
    near = (c for c in sorted(candidates) if LOWEST <= c.pl_pct <= HIGHEST)
    row = sorted({candidate.key or candidate.number: candidate for candidate in near}.values())
    # In order of P/L the closest two are always neighbours, also after others have left.
    before = list(range(-1, len(row) - 1))
    after = list(range(1, len(row) + 1))
    taken = [False] * len(row)
    gaps = [(row[i + 1].pl_pct - row[i].pl_pct, i, i + 1) for i in range(len(row) - 1)]
    heapq.heapify(gaps)
    pairs = []
    while gaps:
        _, left, right = heapq.heappop(gaps)
        if taken[left] or taken[right]:
            continue
        taken[left] = taken[right] = True
        pairs.append(Suggestion(row[left], row[right]))
        left, right = before[left], after[right]
        if right < len(row):
            before[right] = left
        if left >= 0:
            after[left] = right
        if left >= 0 and right < len(row):
            heapq.heappush(gaps, (row[right].pl_pct - row[left].pl_pct, left, right))
    return pairs


def available(now: datetime) -> QuerySet[Account]:
    """Accounts that may be paired: fresh, connected, in no VS group, not in a retired phase."""
    return (
        Account.objects.filter(fresh(now), connected=True, vs_group=None)
        .exclude(phase__is_retired=True)
        .select_related("phase", "firm", "agent")
    )


def suggestions(now: datetime) -> list[Suggestion]:
    """One query."""
    return suggest(
        Candidate(
            pl_pct=account.pl_pct_now,
            number=account.number,
            key=account.key,
            title=account.title,
            holder=account.holder or account.name,
            phase=account.phase.name if account.phase else "",
            color=account.phase.color if account.phase else "none",
            firm=account.firm.name if account.firm else "",
        )
        for account in available(now)
        if account.pl_pct_now is not None
    )
