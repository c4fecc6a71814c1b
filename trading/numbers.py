"""Numbers as people type them: `0.10` and `0,10`. What can be read in two ways is refused."""

import re
from decimal import Decimal

from trading.sizing import Refused

PLAIN = re.compile(r"[+-]?\d{1,12}([.,]\d{0,10})?|[+-]?[.,]\d{1,10}", re.ASCII)
GROUPED = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.ASCII)
SHOWN = 30
WHOLE_DIGITS = 18  # what every column of them holds


def read(text: str, what: str) -> Decimal | None:
    """The number, or None for an empty text. Raises Refused with a sentence about `what`."""
    text = text.strip().replace("\N{MINUS SIGN}", "-")
    if not text:
        return None
    if len(re.findall("[.,]", text)) > 1:
        raise Refused(
            f"{what}: “{text[:SHOWN]}” can be read in more than one way. "
            "Write one point or comma, before the decimals, and none between thousands."
        )
    if not PLAIN.fullmatch(text):
        raise Refused(f"{what}: “{text[:SHOWN]}” is not a number. Write it like 0.10 or 0,10.")
    if GROUPED.fullmatch(text):
        whole, part = text.split(",")
        raise Refused(
            f"{what}: “{text}” can be read in two ways. Write {whole}.{part} or {whole}{part}."
        )
    return Decimal(text.replace(",", "."))


def whole(text: str) -> int | None:
    """A ticket or an account number, as a form sends it back; None when it is none."""
    fits = text.isascii() and text.isdecimal() and len(text) <= WHOLE_DIGITS
    return int(text) if fits else None


def positive(text: str, what: str) -> Decimal | None:
    """The same, for what has no sign and is not nothing."""
    number = read(text, what)
    if number is not None and number <= 0:
        raise Refused(f"{what} must be more than 0.")
    return number
