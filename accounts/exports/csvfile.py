"""A table as CSV: UTF-8 with the mark by which Excel knows it, sent while it is read.

Excel opens a file by the conventions of its country: where a comma is the decimal mark, a semicolon
separates the cells.
"""

import csv
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import StringIO
from typing import Any, Final

from channels.db import database_sync_to_async
from django.utils.formats import get_format
from django.utils.translation.trans_real import (
    get_supported_language_variant,
    parse_accept_lang_header,
)

from accounts.exports.cells import Value, plain, quoted, utc
from accounts.exports.table import CHUNK, Table

CONTENT_TYPE: Final = "text/csv; charset=utf-8"
MARK: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Style:
    """`within`: what would begin a cell of its own in the Excel of another country, where it
    stands within a text, or after a line end, for there such a text is not seen as quoted. Quotes
    between are taken away; apostrophes count, so that one can be taken away again."""

    separator: str
    decimal: str
    within: re.Pattern[str]


COMMAS: Final = Style(",", ".", re.compile(r"([;\t\n])(?=[\s\"']*[=+\-@＝＋－＠])"))
SEMICOLONS: Final = Style(";", ",", re.compile(r"([,\t\n])(?=[\s\"']*[=+\-@＝＋－＠])"))


def style_for(accept_language: str) -> Style:
    """That of the first language of a browser; without one it is a program, which gets commas."""
    asked = parse_accept_lang_header(accept_language.lower())
    try:
        language = get_supported_language_variant(asked[0][0] if asked else "")
    except LookupError:
        return COMMAS
    mark = get_format("DECIMAL_SEPARATOR", language, use_l10n=True)
    return SEMICOLONS if mark == "," else COMMAS


async def stream(
    table: Table[Any], keys: Sequence[int], style: Style = COMMAS
) -> AsyncIterator[bytes]:
    """Holds no database connection between two parts, and no more than one part."""
    yield MARK + lines([list(table.titles)], style)
    for first in range(0, len(keys), CHUNK):
        part = keys[first : first + CHUNK]
        yield lines(await database_sync_to_async(table.read)(part), style)


def lines(rows: Sequence[Sequence[Value]], style: Style = COMMAS) -> bytes:
    text = StringIO(newline="")
    writer = csv.writer(text, delimiter=style.separator)
    writer.writerows([written(value, style) for value in row] for row in rows)
    return text.getvalue().encode()


def written(value: Value, style: Style = COMMAS) -> str:
    """Empty when it is not known."""
    if value is None:
        return ""
    if isinstance(value, str):
        return style.within.sub(r"\1'", quoted(value))
    if isinstance(value, datetime):
        return f"{utc(value):%Y-%m-%d %H:%M:%S}"
    return plain(value).replace(".", style.decimal)
