"""What goes into a cell: text that no spreadsheet takes for a formula, numbers that stay exact."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

Value = str | int | Decimal | datetime | None

# What a spreadsheet computes when it stands first, its full-width forms too; spaces before it are
# skipped by some, and so may be what has no width. Apostrophes count as well, so that taking one
# away again is never ambiguous.
_FORMULA: Final = re.compile(r"'*(?:[\t\n\r]|[\s\u200b-\u200d\u2060\ufeff]*[=+\-@＝＋－＠])")
# No XML file may hold these, and no reader of a CSV file is better off with them.
_UNFIT: Final = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]"
)
LONGEST: Final = 32_000  # characters; a cell of Excel holds 32,767
DIGITS: Final = 15  # that a number of a spreadsheet keeps


def fit(text: str) -> str:
    """`text` as a cell can hold it, for formats that say themselves what is text."""
    return _UNFIT.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))[:LONGEST]


def computes(text: str) -> bool:
    """Whether a spreadsheet could take `text` for a formula, where nothing says that it is text."""
    return _FORMULA.match(text) is not None


def quoted(text: str) -> str:
    """`text` as a cell can hold it, with an apostrophe before it where it could be taken for a
    formula."""
    text = fit(text)
    return f"'{text}" if computes(text) else text


def unquoted(text: str) -> str:
    """What quoted() was given, but for line ends and what it left out."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def plain(number: int | Decimal) -> str:
    """Exactly, without an exponent and without zeros behind it."""
    if isinstance(number, int):
        return str(number)
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def is_exact(number: int | Decimal) -> bool:
    """Whether a spreadsheet, whose numbers have 15 digits, holds all of it."""
    return len(plain(number).lstrip("-0.").replace(".", "")) <= DIGITS


def utc(at: datetime) -> datetime:
    """As spreadsheets keep times: naive, here always UTC, which the heading says; whole seconds."""
    return at.astimezone(UTC).replace(tzinfo=None, microsecond=0)
