"""A table as XLSX, written to a temporary file row by row."""

import asyncio
import re
import tempfile
import weakref
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from accounts.exports.cells import Value, computes, fit, is_exact, plain, utc
from accounts.exports.table import Kind, Table
from accounts.models.money import CENT_PLACES, places_of

if TYPE_CHECKING:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.worksheet._write_only import WriteOnlyWorksheet

CONTENT_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
BLOCK: Final = 64 * 1024
FORMATS: Final = {
    Kind.TEXT: "@",
    Kind.ID: "0",
    Kind.MONEY: "#,##0.00",
    Kind.NUMBER: "General",
    Kind.TIME: "yyyy-mm-dd hh:mm:ss",
}
FINE_MONEY: Final = "#,##0.00######"
# Excel reads "_x0041_" as "A"; its first underscore, told in that way, keeps it as it is.
_ESCAPE: Final = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
WIDTHS: Final = {Kind.TEXT: 18, Kind.ID: 14, Kind.MONEY: 14, Kind.NUMBER: 12, Kind.TIME: 20}


class Sent:
    """A temporary file as the body of a response; it is gone when the response is closed, or is
    dropped without anybody having closed it."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        weakref.finalize(self, file.close)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while block := await asyncio.to_thread(self.file.read, BLOCK):
            yield block

    def close(self) -> None:
        self.file.close()


def made(table: Table[Any], keys: Sequence[int]) -> Sent:
    """The whole file, on disk; holds one part of the table at a time."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - Sent closes it
    try:
        with _sheet(table.name.capitalize(), file) as sheet:
            _head(sheet, table)
            cells = [Cells(sheet, column.kind) for column in table.columns]
            for rows in table.chunks(keys):
                for row in rows:
                    sheet.append([cell.of(value) for cell, value in zip(cells, row, strict=True)])
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return Sent(file)


class Cells:
    """The cells of a column. It has only three, for numbers and for text: what they hold is written
    when their row is, and to make cells takes longer than to write them."""

    def __init__(self, sheet: "WriteOnlyWorksheet", kind: Kind) -> None:
        from openpyxl.cell import WriteOnlyCell

        self._number, self._text = WriteOnlyCell(sheet), WriteOnlyCell(sheet)
        self._number.number_format = FORMATS[kind]
        # It is text as it stands; with this it stays text when somebody edits it.
        self._kept = WriteOnlyCell(sheet)
        self._kept.quotePrefix = True
        self._kind = kind

    def of(self, value: Value) -> "WriteOnlyCell | None":
        """None for what is not known: an empty cell."""
        if value is None or value == "":
            return None
        if isinstance(value, str):
            return self._of_text(fit(value))
        if isinstance(value, datetime):
            self._number.value = utc(value)
            return self._number
        if not is_exact(value):
            return self._of_text(plain(value))
        if self._kind is Kind.MONEY and isinstance(value, Decimal):
            # Of an account in BTC: a cell would show 0.05132412 as 0.05.
            fine = places_of(value) > CENT_PLACES
            self._number.number_format = FINE_MONEY if fine else FORMATS[Kind.MONEY]
        self._number.value = value
        return self._number

    def _of_text(self, text: str) -> "WriteOnlyCell":
        cell = self._kept if computes(text) else self._text
        cell.value = _ESCAPE.sub("_x005F_", text)
        cell.data_type = "s"  # whatever it looks like: "#N/A" as well
        return cell


@contextmanager
def _sheet(title: str, file: IO[bytes]) -> "Iterator[WriteOnlyWorksheet]":
    """A sheet whose workbook is in `file` afterwards. Its own temporary file goes in any case."""
    from openpyxl import Workbook  # costs 0.2 s, which no start of a process should

    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    try:
        yield sheet
        book.save(file)
    finally:
        if not sheet.closed:  # something failed: its writer would complain of being left alone
            sheet.close()
        with suppress(FileNotFoundError):  # saving has removed it
            Path(sheet._writer.out).unlink()


def _head(sheet: "WriteOnlyWorksheet", table: Table[Any]) -> None:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    sheet.freeze_panes = "B2"
    for place, column in enumerate(table.columns, 1):
        width = max(WIDTHS[column.kind], len(column.title) + 2)
        sheet.column_dimensions[get_column_letter(place)].width = width
    cells = [WriteOnlyCell(sheet, value=title) for title in table.titles]
    for cell in cells:
        cell.font = Font(bold=True)
    sheet.append(cells)
