"""Tables written into worksheets of the desk's spreadsheet; what became of it is a sentence."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings

from accounts.exports.cells import Value
from accounts.exports.table import Kind, Table

if TYPE_CHECKING:
    from accounts.exports.google import Failure

ROWS: Final = 20_000  # of one worksheet: what Google takes in one call


@dataclass(frozen=True)
class Sheet:
    title: str
    table: Table[Any]


@dataclass(frozen=True)
class Result:
    ok: bool
    sentence: str
    written: dict[str, int]  # rows by worksheet


def is_set_up() -> bool:
    return bool(settings.GOOGLE_SHEETS_CREDENTIALS and settings.GOOGLE_SHEETS_ID)


def sync(sheets: Sequence[Sheet], *, dry_run: bool = False) -> Result:
    """Writes them all, one after another; each is written wholly or not at all. A dry run reads the
    rows and opens the spreadsheet, and writes nothing. Blocks for a minute at most."""
    # It takes half a second to import, which no start of a process should.
    from accounts.exports import google

    written: dict[str, int] = {}
    try:
        book = google.opened()
        contents = [(sheet, *_rows(sheet.table)) for sheet in sheets]
        if dry_run:
            told = [_told(sheet.title, len(rows) - 1, of) for sheet, rows, of in contents]
            return Result(True, f"Nothing was written; there would be {_listed(told)}.", {})
        said = []
        for sheet, rows, of in contents:
            book.write(sheet.title, rows, _times(sheet.table))
            written[sheet.title] = len(rows) - 1
            said.append(_told(sheet.title, len(rows) - 1, of))
    except google.Failure as failure:
        left = _left(failure, sheets, written) if is_set_up() else ""
        return Result(False, f"{failure} {left}".rstrip(), written)
    return Result(True, f"Written to Google Sheets: {_listed(said)}.", written)


def _rows(table: Table[Any]) -> tuple[list[list[Value]], int]:
    """Titles and rows, as many as fit, in their order; and how many there are."""
    keys = list(table.rows.values_list("pk", flat=True)[: ROWS + 1])
    of = len(keys) if len(keys) <= ROWS else table.rows.count()
    titles: list[Value] = [*table.titles]
    return [titles, *(row for some in table.chunks(keys[:ROWS]) for row in some)], of


def _times(table: Table[Any]) -> list[int]:
    return [at for at, column in enumerate(table.columns) if column.kind is Kind.TIME]


def _told(title: str, rows: int, of: int) -> str:
    if rows < of:
        return f"{title} (the first {rows:,} of {of:,} rows)"
    return f"{title} ({rows:,} row{'' if rows == 1 else 's'})"


def _listed(parts: Sequence[str]) -> str:
    *most, last = parts
    return f"{', '.join(most)} and {last}" if most else last


def _left(failure: "Failure", sheets: Sequence[Sheet], written: dict[str, int]) -> str:
    """What is in the spreadsheet now."""
    missing = [sheet.title for sheet in sheets if sheet.title not in written]
    parts = [f"{_listed(list(written))} was written before"] if written else []
    if failure.unknown:
        parts.append(f"whether {missing.pop(0)} was written is not known")
    if not parts:
        return "Nothing was written."
    parts += [f"{title} was not" for title in missing]
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."
