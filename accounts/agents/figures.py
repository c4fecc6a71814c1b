"""Figures exactly as they stand in the JSON text: never through a float.

A struct declares such a field as `Figure`, and the function here makes a Decimal of it. A figure is
a JSON number, never a string, and of a size that a terminal could mean.
"""

from __future__ import annotations

import re
from decimal import Decimal

import msgspec

from accounts.agents import fields
from accounts.agents.errors import Malformed

Figure = msgspec.Raw
UNTOLD = msgspec.Raw(b"null")

PLACES = fields.PRICE_PLACES
COARSE = 8
MOST = Decimal(10) ** 13
_LONGEST = 60
_NUMBER = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,4})?")


def told(raw: msgspec.Raw, field: str, *, places: int = PLACES) -> Decimal | None:
    """None for null. More than `places` decimals are noise of a float and are rounded away.

    Raise Malformed, naming `field`, for what is no number or larger than any figure.
    """
    text = bytes(raw).strip()
    if text == b"null":
        return None
    if len(text) > _LONGEST or not _NUMBER.fullmatch(text):
        raise Malformed(f"{field}: expected number, got {_kind(text)}")
    value = Decimal(text.decode())
    if abs(value) > MOST:
        raise Malformed(f"{field}: expected a number of at most {MOST:f}")
    exponent = value.as_tuple().exponent
    # Beyond COARSE decimals only what a float holds: the rest of 48231.450000000004 is its noise.
    places = min(places, max(COARSE, fields.DIGITS - 1 - value.adjusted()))
    if isinstance(exponent, int) and not -places <= exponent <= 0:
        value = value.quantize(Decimal(1).scaleb(-places if exponent < 0 else 0))
    return value + 0 if value else Decimal(0)


def known(raw: msgspec.Raw, field: str, *, places: int = PLACES) -> Decimal:
    """The same for a field that must be there."""
    value = told(raw, field, places=places)
    if value is None:
        raise Malformed(f"{field}: missing")
    return value


def positive(raw: msgspec.Raw, field: str, *, places: int = PLACES) -> Decimal | None:
    """The same for a field of which terminals say 0 when they do not know it."""
    value = told(raw, field, places=places)
    if value is not None and value < 0:
        raise Malformed(f"{field}: expected a number of 0 or more")
    return value or None


def written(value: Decimal) -> msgspec.Raw:
    """The JSON number: without an exponent, which an agent may not read."""
    return msgspec.Raw(f"{value:f}".encode())


def _kind(text: bytes) -> str:
    kinds = {b'"': "text", b"[": "a list", b"{": "an object", b"t": "true", b"f": "false"}
    return kinds.get(text[:1], "something else")
