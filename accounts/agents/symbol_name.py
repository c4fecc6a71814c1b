"""Names of symbols: opaque text of the broker, kept character for character.

EURUSD, eurusd, "EURUSD " and "EUR  USD" are four symbols. A name that was tidied up would be that
of another one, or of none.
"""

from __future__ import annotations

import unicodedata

LONGEST = 32
# What changes the direction of the text around it, on a page or in a log.
_DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_KINDS = ("Cc", "Cs", "Zl", "Zp")


def is_name(text: str) -> bool:
    """Whether `text` can be the name of a symbol here, and be sent as it is."""
    return 0 < len(text) <= LONGEST and (text.isprintable() or all(map(_can_stand, text)))


def kept(text: str) -> str:
    """Return `text` unchanged, or, where it cannot be stored or shown, what stands for it.

    That has its control characters written out, so that it is no other symbol's name: the broker
    refuses an order for it.
    """
    if is_name(text):
        return text
    text = text[: LONGEST + 1]  # an agent may send megabytes
    text = "".join(char if _can_stand(char) else f"\\u{ord(char):04x}" for char in text)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def names(text: str, name: str) -> bool:
    """Whether an agent's sentence names that symbol, however it treats white space."""
    return f" {' '.join(name.split())} " in f" {' '.join(text.split())} "


def _can_stand(char: str) -> bool:
    return char not in _DIRECTIONS and unicodedata.category(char) not in _KINDS
