"""Text that came from outside: every string an agent says is data."""

from __future__ import annotations

import unicodedata


def clean(text: str, length: int) -> str:
    """`text` on one line, at most `length` characters, fit to be stored and shown.

    Control, format (bidirectional overrides included), surrogate, private and unassigned
    characters are dropped; runs of white space become one space.
    """
    if len(text) > 4 * length:
        text = text[: 4 * length]
    if not text.isprintable():
        text = "".join(_printable(char) for char in text)
    text = " ".join(text.split())
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def _printable(char: str) -> str:
    if char.isspace():
        return " "
    return "" if unicodedata.category(char).startswith("C") else char
