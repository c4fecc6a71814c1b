"""The versus that have ended: those on the list, or those in the archive."""

from functools import cached_property

from django.db.models import QuerySet

from accounts.fleet.listing import Listing
from trading.models import Versus
from trading.versus.states import ENDED


class EndedList(Listing):
    filters = ("archived",)

    def check(self) -> None:
        self.choose("archived", {"1"}, "archive", "versus that are not in it are shown")

    @property
    def shows_archive(self) -> bool:
        return self.values.get("archived") == "1"

    @cached_property
    def archived(self) -> int:
        """How many are in the archive."""
        return self._archive.count()

    @property
    def _archive(self) -> QuerySet[Versus]:
        return Versus.objects.filter(state__in=ENDED).exclude(archived_at=None)

    @property
    def versus(self) -> QuerySet[Versus]:
        if self.shows_archive:
            return self._archive
        return Versus.objects.filter(state__in=ENDED).listed()

    def count(self) -> int:
        return self.versus.count()

    def rows(self) -> list[Versus]:
        """The last one first."""
        rows = self.versus.select_related("account_a__agent", "account_b__agent")
        return list(rows.order_by("-ended_at", "-pk")[self.page.slice])
