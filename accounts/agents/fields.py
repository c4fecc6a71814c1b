"""JSON from an agent to typed fields: strict on the way in, exact on the way out.

A number is a JSON number, never a string, finite and of a size that a terminal could mean.
"""

from __future__ import annotations

import re
from decimal import Context, Decimal
from typing import Annotated, TypeVar

import msgspec

from accounts.agents.errors import Malformed, NotJson

T = TypeVar("T")

# 15 significant digits at most, decimals included: a float holds no more, nor does SQLite, and a
# figure that comes back otherwise than it was written would be a change at every poll. Within them
# a figure keeps its decimals, as many as its column has; those behind are noise of a float.
DIGITS = 15
MONEY_PLACES = VOLUME_PLACES = 8
PRICE_PLACES = 12
Money = Annotated[float, msgspec.Meta(ge=-1e13, le=1e13)]
Price = Annotated[float, msgspec.Meta(ge=-1e11, le=1e11)]
Volume = Annotated[float, msgspec.Meta(gt=0, le=1e9)]
Login = Annotated[int, msgspec.Meta(ge=0, le=10**15)]
Ticket = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
TicketOr0 = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Magic = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]

NAME = 128
HOLDER = 80
FIRM = 64
SERVER = 64
CURRENCY = 8
COMMENT = 64

_KEPT = Context(prec=DIGITS)
_PATH = re.compile(r"(?P<what>.*?)(?: - at `\$\.?(?P<path>.*)`)?", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<field>.*)`")
_EXPECTED = re.compile(r"^Expected `(\w+)(?: \| null)?`")
_KINDS = {"float": "number", "int": "whole number"}
_BYTE = re.compile(r"\(byte (\d+)\)")
_CONSTANT = re.compile(rb"-?(?:NaN|Infinity|inf|nan)\b")
_KEY = re.compile(rb'"([^"\\]{1,60})"\s*:\s*-?$')


def money(value: float) -> Decimal:
    """Return money in the decimals it came with: which are noise, only its currency says."""
    return _decimal(value, MONEY_PLACES)


def money_or_none(value: float | None) -> Decimal | None:
    return None if value is None else money(value)


def price(value: float) -> Decimal:
    return _decimal(value, PRICE_PLACES)


def _decimal(value: float, places: int) -> Decimal:
    """Return the shortest decimal that is that float, within `places` and DIGITS."""
    return Decimal(f"{round(value, places) + 0.0:.{DIGITS}g}")


def kept(value: Decimal) -> Decimal:
    """Return what both databases keep of a figure that was computed: DIGITS of it."""
    return _KEPT.plus(value)


def level(value: float | None) -> Decimal | None:
    """A stop-loss or take-profit; the terminal's own 0 means that there is none."""
    return price(value) if value else None


def volume(value: float) -> Decimal:
    """Return lots. Raise Malformed for a volume that would round to nothing."""
    lots = _decimal(value, VOLUME_PLACES)
    if not lots:
        raise Malformed(f"volume: expected at least {Decimal(1).scaleb(-VOLUME_PLACES):f}")
    return lots


def places(told: object) -> int | None:
    """Return the decimals of a currency; None, unknown, for what cannot be one."""
    return told if type(told) is int and 0 <= told <= MONEY_PLACES else None


def decode(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """Raise Malformed, naming the field, for JSON of the wrong shape; NotJson for the rest."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise Malformed(_reworded(str(error))) from error
    except RecursionError as error:
        raise Malformed("The answer is nested too deep for anything that an agent says.") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _not_json(body, str(error)) from error


def _reworded(message: str) -> str:
    """From "Expected `float`, got `str` - at `$.sl`" to "sl: expected number, got str"."""
    match = _PATH.fullmatch(message)
    what, path = (match["what"], match["path"] or "") if match else (message, "")
    if missing := _MISSING.fullmatch(what):
        return f"{path}.{missing['field']}: missing".lstrip(".")
    what = _EXPECTED.sub(lambda kind: f"expected {_KINDS.get(kind[1], kind[1])}", what)
    what = what.replace("`", "")
    return f"{path or 'the answer'}: {what[:1].lower()}{what[1:]}"


def _not_json(body: bytes, message: str) -> Malformed | NotJson:
    """Python programs write NaN and Infinity, which JSON does not have: name their field."""
    at = _BYTE.search(message)
    place = int(at[1]) if at else 0
    constant = _CONSTANT.match(body, max(0, place - 1)) or _CONSTANT.match(body, place)
    if constant:
        key = _KEY.search(body[max(0, constant.start() - 80) : constant.start()])
        field = key[1].decode("utf-8", "replace") if key else "the answer"
        return Malformed(f"{field}: expected number, got {constant[0].decode()}")
    if body.lstrip()[:1] == b"<":
        return NotJson("It answered with a web page, not with JSON: is the URL really an agent's?")
    if not body.strip():
        return NotJson("It answered with an empty body, not with JSON.")
    return NotJson(f"The answer is not JSON: {message}.")
