"""Columns of the tables of trading; accounts/fleet/column.py says what a column is.

Rows of these tables are models, not dictionaries: their templates place fields by filters. The
class of a cell names its table and its column; figures have the class "n" besides.
"""

from dataclasses import dataclass
from operator import attrgetter
from typing import Generic, TypeVar

from django.db.models import Model

from accounts.exports.table import Kind
from accounts.fleet.column import Align, Column, Export, Own, Plain, export, file_only

Of = TypeVar("Of", bound=Model)


class Cell(Plain[Of]):
    """A cell with its own template source; the template of the row loads the filters."""

    def __init__(self, cell: str, export: Export[Of], align: Align) -> None:
        super().__init__(export=export, align=align)
        self.cell = cell


@dataclass(frozen=True)
class Cells(Generic[Of]):
    """Declares the columns of one table.

    `row` is the name of the model in its templates, `css` the start of its classes. A `field` that
    is not given has the name of the key; `filters` apply on pages only.
    """

    row: str
    css: str

    def text(self, key: str, label: str, field: str = "", filters: str = "") -> Column[Of]:
        cell = f'<td class="{self.css}-{key}">{self._placed(field or key, filters)}</td>'
        return Column(key, label, Cell(cell, self._export(Kind.TEXT, field or key), Align.LEFT))

    def figure(
        self,
        key: str,
        label: str,
        field: str = "",
        *,
        kind: Kind = Kind.NUMBER,
        filters: str = "|price",
        inside: str = "",
        title: str = "",
    ) -> Column[Of]:
        """Return a column of figures. `inside`: template source, where filters are not enough."""
        inside = inside or self._placed(field or key, filters)
        cell = f'<td class="n {self.css}-{key}">{inside}</td>'
        shape = Cell(cell, self._export(kind, field or key), Align.RIGHT)
        return Column(key, label, shape, title)

    def gain(self, key: str, label: str) -> Column[Of]:
        """Return a column of money that is a gain or a loss, by its sign and by its colour."""
        colour, money = self._placed(key, "|direction"), self._placed(key, "|signed:places")
        cell = f'<td class="n {self.css}-{key} {colour}">{money}</td>'
        return Column(key, label, Cell(cell, self._export(Kind.MONEY, key), Align.RIGHT))

    def own(self, key: str, label: str, kind: Kind, field: str = "", title: str = "") -> Column[Of]:
        """Return a column whose cell is in the template of the row."""
        align = Align.RIGHT if kind in (Kind.NUMBER, Kind.MONEY) else Align.LEFT
        return Column(key, label, Own(None, self._export(kind, field or key), align), title)

    def file_only(self, title: str, kind: Kind, field: str) -> Column[Of]:
        return file_only(title, kind, attrgetter(field))

    def _placed(self, field: str, filters: str) -> str:
        return f"{{{{ {self.row}.{field}{filters} }}}}"

    def _export(self, kind: Kind, field: str) -> Export[Of]:
        return export(kind, attrgetter(field))
