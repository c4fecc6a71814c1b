"""A table as CSV: UTF-8 with the mark by which Excel knows it, sent while it is read."""

import csv
import re
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from io import StringIO
from typing import Any, Final

from channels.db import database_sync_to_async

from accounts.exports.cells import Value, plain, quoted, utc
from accounts.exports.table import CHUNK, Table

CONTENT_TYPE: Final = "text/csv; charset=utf-8"
MARK: Final = b"\xef\xbb\xbf"
# Where a semicolon separates cells, as in Spanish Excel, what comes after one within a text is a
# cell of its own; so is what comes after a line end, for there such a text is not seen as quoted.
# Quotes between are taken away; apostrophes count, so that one can be taken away again.
_CELL_WITHIN: Final = re.compile(r"([;\t\n])(?=[\s\"']*[=+\-@＝＋－＠])")


async def stream(table: Table[Any], keys: Sequence[int]) -> AsyncIterator[bytes]:
    """Holds no database connection between two parts, and no more than one part."""
    yield MARK + lines([list(table.titles)])
    for first in range(0, len(keys), CHUNK):
        part = keys[first : first + CHUNK]
        yield lines(await database_sync_to_async(table.read)(part))


def lines(rows: Sequence[Sequence[Value]]) -> bytes:
    text = StringIO(newline="")
    csv.writer(text).writerows([written(value) for value in row] for row in rows)
    return text.getvalue().encode()


def written(value: Value) -> str:
    """Empty when it is not known."""
    if value is None:
        return ""
    if isinstance(value, str):
        return _CELL_WITHIN.sub(r"\1'", quoted(value))
    return f"{utc(value):%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else plain(value)
