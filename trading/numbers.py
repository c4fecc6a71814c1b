"""Numbers as people type them: `0.10` and `0,10`. What can be read in two ways is refused."""

import re
from decimal import Decimal

from trading.sizing import Refused

PLAIN = re.compile(r"[+-]?\d{1,12}([.,]\d{0,15})?|[+-]?[.,]\d{1,15}", re.ASCII)
GROUPED = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.ASCII)
SHOWN = 30
LARGEST = 2**63 - 1  # what the columns hold; MT5's tickets have up to 19 digits


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
    """A ticket or an account number, as a form sends it back; None when it is none, or is larger
    than any that there can be."""
    fits = text.isascii() and text.isdecimal() and len(text) <= len(str(LARGEST))
    number = int(text) if fits else None
    return number if number is not None and number <= LARGEST else None


def whole_or_text(text: str) -> int | str:
    """The same; the text itself where it is none, for who has to say what was passed over."""
    number = whole(text)
    return text if number is None else number


def positive(text: str, what: str) -> Decimal | None:
    """The same, for what has no sign and is not nothing."""
    number = read(text, what)
    if number is not None and number <= 0:
        raise Refused(f"{what} must be more than 0.")
    return number
