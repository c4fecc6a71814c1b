"""Accounts as a set: figures for sorting and totals, what names them, what rows show."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts.models.figures import with_figures

if TYPE_CHECKING:
    from accounts.models.account import Account  # noqa: F401, of the type below

ROWS_BY_ID = 2**52  # above any login, and exact in scripts


class AccountQuerySet(models.QuerySet["Account"]):
    def with_figures(self, now: datetime | None = None) -> "AccountQuerySet":
        """Adds pl, pl_pct, drawdown_used_pct, is_fresh for sorting, filtering and totals in SQL."""
        return with_figures(self, now or timezone.now())

    def mark_shared(self, numbers: Iterable[int]) -> None:
        """Notes which accounts of these numbers share theirs; for whoever adds or deletes some."""
        others = self.model.objects.filter(number=OuterRef("number")).exclude(pk=OuterRef("pk"))
        self.filter(number__in=list(numbers)).update(shares_number=Exists(others))

    def shared_numbers(self) -> set[int]:
        return set(self.filter(shares_number=True).values_list("number", flat=True))

    def of_key(self, key: str) -> "AccountQuerySet":
        """Those that a text as Account.key may mean; several for the bare number of several."""
        number, _, pk = key.partition("-")
        return self.filter(number=int(number), **({"pk": int(pk)} if pk else {}))

    def of_rows(self, rows: Iterable[int]) -> "AccountQuerySet":
        """Those of these Account.row; of a bare number that several have, all of them."""
        rows = list(rows)
        ids = [row - ROWS_BY_ID for row in rows if row > ROWS_BY_ID]
        return self.filter(Q(number__in=rows) | Q(pk__in=ids, shares_number=True))

    def for_rows(self) -> "AccountQuerySet":
        """All that a fleet row shows, in one query."""
        return self.select_related("phase", "firm", "vs_group", "agent")
