"""What one declaration of a column says; its heading, cell, sort order and export follow from it.

A row is rendered at every change of every account, so its columns are not looped over then: the tag
`{% cells %}` puts the cells of all columns into the template of the row when that is compiled.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from string import Template
from typing import Any, Generic, TypeVar

from django.db.models import Expression, F, Model
from django.db.models.expressions import OrderBy

from accounts.exports.cells import Value
from accounts.exports.table import Column as FileColumn
from accounts.exports.table import Kind
from accounts.fleet import formatting

Of = TypeVar("Of", bound=Model)
Row = dict[str, Any]  # what the template of a row places
Fill = Callable[[Row, Of, datetime], None]  # adds what one cell places


class Align(Enum):
    """page.css aligns cells of the fleet by their key, so that rows carry no class for it; cells of
    trading that are at the right have the class "n"."""

    LEFT = "left"
    RIGHT = "right"


@dataclass(frozen=True)
class Sort:
    """The order of rows by a column: fields, or expressions of SQL. Unknown values go last.

    `then`: fields that decide between equal rows, ascending whichever way the column is sorted.
    `largest_first`: what the first click on the heading does. `turned`: what is shown grows when
    what is stored shrinks, as an age does.
    """

    by: Sequence[str | Expression]
    then: Sequence[str] = ()
    largest_first: bool = False
    turned: bool = False

    def order(self, descending: bool) -> Iterator[OrderBy]:
        for key in self.by:
            value = F(key) if isinstance(key, str) else key
            yield OrderBy(value, descending=descending != self.turned, nulls_last=True)
        yield from (OrderBy(F(key)) for key in self.then)


@dataclass(frozen=True)
class Export(Generic[Of]):
    """A column of files. `value` returns None or "" for what is not known; its second argument is
    the moment of the export. `title`: empty for the full title of the column."""

    kind: Kind
    value: Callable[[Of, datetime], Value]
    title: str = ""


def export(kind: Kind, of: Callable[[Of], Value], title: str = "") -> Export[Of]:
    """Return an export of what does not depend on the moment."""
    return Export(kind, lambda one, now: of(one), title)


@dataclass(frozen=True)
class Total:
    """A sum above the list, of the accounts with fresh figures. `signed`: a gain or a loss."""

    field: str
    signed: bool = False


# --- shapes of cells: in `cell`, $key is the key of the column -----------------------------------
class Shape(Generic[Of]):
    """A cell; without `cell`, the template of the row has it."""

    cell: str = ""
    align: Align = Align.RIGHT
    export: Export[Of] | None = None

    def filler(self, key: str) -> Fill[Of] | None:
        return None


class Text(Shape[Of]):
    """A text, whole in its tooltip; "" is unknown."""

    cell = '<td data-cell="$key" title="{{ row.$key }}">{{ row.$key|default:row.unreported }}</td>'
    align = Align.LEFT

    def __init__(self, of: Callable[[Of], str]) -> None:
        self._of = of
        self.export = export(Kind.TEXT, of)

    def filler(self, key: str) -> Fill[Of]:
        of = self._of

        def fill(row: Row, one: Of, now: datetime) -> None:
            row[key] = of(one)

        return fill


class Money(Shape[Of]):
    """Money with `row["places"]` decimals; None is unknown."""

    cell = '<td data-cell="$key" data-value="{{ row.${key}_value }}">{{ row.$key }}</td>'

    def __init__(self, of: Callable[[Of], Any]) -> None:
        self._of = of
        self.export = export(Kind.MONEY, of)

    def filler(self, key: str) -> Fill[Of]:
        of, value_key = self._of, f"{key}_value"

        def fill(row: Row, one: Of, now: datetime) -> None:
            value = of(one)
            row[key] = formatting.money(value, row["places"])
            row[value_key] = formatting.plain(value)

        return fill


class SignedMoney(Shape[Of]):
    """Money that is a gain or a loss, by its sign and by its colour; None is unknown."""

    cell = (
        '<td data-cell="$key" data-value="{{ row.${key}_value }}" class="{{ row.${key}_is }}">'
        "{{ row.$key }}</td>"
    )

    def __init__(self, of: Callable[[Of], Any]) -> None:
        self._of = of
        self.export = export(Kind.MONEY, of)

    def filler(self, key: str) -> Fill[Of]:
        of, value_key, is_key = self._of, f"{key}_value", f"{key}_is"

        def fill(row: Row, one: Of, now: datetime) -> None:
            value = of(one)
            row[key] = formatting.signed_money(value, row["places"])
            row[value_key] = formatting.plain(value)
            row[is_key] = formatting.direction(value)

        return fill


class Plain(Shape[Of]):
    """Text that `fill` puts under the key of the column."""

    cell = '<td data-cell="$key">{{ row.$key }}</td>'

    def __init__(
        self,
        fill: Fill[Of] | None = None,
        export: Export[Of] | None = None,
        align: Align = Align.RIGHT,
    ) -> None:
        self._fill, self.export, self.align = fill, export, align

    def filler(self, key: str) -> Fill[Of] | None:
        return self._fill


class Age(Plain[Of]):
    """An age, which scripts count on."""

    cell = '<td data-cell="$key"><time data-age>{{ row.$key }}</time></td>'


class Own(Plain[Of]):
    """A cell like no other: the template of the row has it, between `{% cell %}` tags."""

    cell = ""


class FileOnly(Shape[Of]):
    """On no page, only in exports."""

    def __init__(self, export: Export[Of]) -> None:
        self.export = export


# --- the declaration ----------------------------------------------------------------------------
@dataclass(frozen=True)
class Column(Generic[Of]):
    """`label` is the heading, `title` the same in full for the sort menu and for exports, `hint`
    its tooltip. `on_phones`: shown there too, where narrow.css places it."""

    key: str
    label: str
    shape: Shape[Of]
    title: str = ""
    hint: str = ""
    sort: Sort | None = None
    total: Total | None = None
    on_phones: bool = False
    selects: bool = False  # its heading has the box that selects all rows
    label_hidden: bool = False  # the heading is for screen readers alone

    @property
    def full_title(self) -> str:
        return self.title or self.label

    @property
    def shown(self) -> bool:
        return not isinstance(self.shape, FileOnly)

    @property
    def is_right(self) -> bool:
        return self.shape.align is Align.RIGHT

    @property
    def cell(self) -> str:
        """The template source of its cell; empty where the template of the row has it."""
        return Template(self.shape.cell).substitute(key=self.key)


def file_only(title: str, kind: Kind, of: Callable[[Of], Value]) -> Column[Of]:
    """Return a column that is on no page; its key is its title."""
    return Column(title, title, FileOnly(export(kind, of)))


def on_page(columns: Iterable[Column[Of]]) -> list[Column[Of]]:
    return [column for column in columns if column.shown]


def fillers(columns: Iterable[Column[Of]]) -> tuple[Fill[Of], ...]:
    found = (column.shape.filler(column.key) for column in columns)
    return tuple(fill for fill in found if fill is not None)


def sorts(columns: Iterable[Column[Of]]) -> Mapping[str, Sort]:
    return {column.key: column.sort for column in columns if column.sort is not None}


def in_file(columns: Iterable[Column[Of]], now: datetime) -> list[FileColumn[Of]]:
    """The columns of an export that is made at `now`."""
    return [
        _in_file(column.shape.export, column.full_title, now)
        for column in columns
        if column.shape.export is not None
    ]


def _in_file(export: Export[Of], title: str, now: datetime) -> FileColumn[Of]:
    return FileColumn(export.title or title, export.kind, lambda one: export.value(one, now))
