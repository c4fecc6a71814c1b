"""What is exported: rows in their order, and a column for each thing that is told of them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Generic, TypeVar

from django.conf import settings
from django.db.models import Model, QuerySet

from accounts.exports.cells import Value

Row = TypeVar("Row", bound=Model)
CHUNK: Final = 500  # rows that are read, and held, at once


class Kind(Enum):
    TEXT = "text"
    ID = "id"  # a whole number that names something
    MONEY = "money"
    NUMBER = "number"
    TIME = "time"  # the title says "UTC"


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    title: str
    kind: Kind
    value: Callable[[Row], Value]  # None or "": not known

    def cell(self, row: Row) -> Value:
        value = self.value(row)
        return None if value == "" else value


class TooMany(Exception):
    """Its text is a sentence."""


@dataclass(frozen=True)
class Table(Generic[Row]):
    """`rows` are filtered and ordered. They are read in parts: first which, then each part by its
    keys, so that a row stands in the file once however the order changes meanwhile. One that is
    deleted meanwhile, or does not fit the filter any more, is left out."""

    name: str
    columns: Sequence[Column[Row]]
    rows: QuerySet[Row, Any]

    @property
    def titles(self) -> list[str]:
        return [column.title for column in self.columns]

    def keys(self) -> list[int]:
        """Raises TooMany rather than leaving any out."""
        most = settings.EXPORT_ROWS
        keys = list(self.rows.values_list("pk", flat=True)[: most + 1])
        if len(keys) > most:
            raise TooMany(
                f"An export has {most:,} rows at most, and there are {self.rows.count():,}. "
                "Narrow the filters; nothing was exported."
            )
        return keys

    def read(self, keys: Sequence[int]) -> list[list[Value]]:
        """The cells of these rows, in that order; one query."""
        found = {row.pk: row for row in self.rows.order_by().filter(pk__in=keys)}
        rows = [found[key] for key in keys if key in found]
        return [[column.cell(row) for column in self.columns] for row in rows]

    def chunks(self, keys: Sequence[int]) -> Iterator[list[list[Value]]]:
        for first in range(0, len(keys), CHUNK):
            yield self.read(keys[first : first + CHUNK])
