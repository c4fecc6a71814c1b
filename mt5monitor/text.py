"""Text that came from outside, fit to be shown: every string an agent sends is data."""

from __future__ import annotations

import re
import unicodedata

# Persian and Indian words, and emoji of several parts, are spelled with these; between other
# characters they would only make one text look like another.
JOINERS = frozenset("\u200c\u200d")
_USELESS = re.compile(r"(?<![^\x00-\x7f\s])[\u200c\u200d]+|[\u200c\u200d]+(?![^\x00-\x7f\s])")


def clean(text: str, length: int) -> str:
    """`text` on one line, at most `length` characters, fit to be stored and shown.

    Control, format (bidirectional overrides included), surrogate, private and unassigned
    characters are dropped, but for joiners within words and emoji; runs of white space become one
    space.
    """
    if len(text) > 4 * length:
        text = text[: 4 * length]
    if not text.isprintable():
        text = "".join(_printable(char) for char in text)
    text = " ".join(text.split())
    if len(text) > length:
        text = text[: length - 1].rstrip() + "…"
    return text if text.isprintable() else _USELESS.sub("", text)


def _printable(char: str) -> str:
    if char.isspace():
        return " "
    return "" if unicodedata.category(char).startswith("C") and char not in JOINERS else char


def first_line(error: BaseException) -> str:
    """Return the first line of its text, or the name of its type where it has none."""
    return (f"{error}".strip() or type(error).__name__).splitlines()[0]
