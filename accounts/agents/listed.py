"""Lists whose rows are read each for itself: one odd row costs itself, never the others."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from accounts.agents import fields, symbol_name
from accounts.agents.errors import BadAnswer, TooLarge
from mt5monitor.text import clean

T = TypeVar("T")
Rows = list[msgspec.Raw]

PROBLEM = 120
# Several times what fits a body of rows that mean something. Each row that means nothing takes some
# 10 us, in which the process does nothing else.
MOST = 50_000
TICKETS = range(1, 2**63)
# A text that does not end is taken as far as it goes: with each of its quotes looked at as the
# beginning of another, a damaged answer of 256 KB would take half an hour.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|-?\b(?:NaN|Infinity|inf|nan)\b', re.DOTALL)
_QUOTED = re.compile(rb'"(-?(?:NaN|Infinity|inf|nan))"')


class Unreadable(msgspec.Struct, frozen=True):
    """A row that is there and cannot be used."""

    ticket: int | None
    """None when not even that is known."""
    symbol: str
    problem: str


def decode(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """Decode an answer that holds Rows. Raise Malformed or NotJson, as fields.decode does.

    NaN is no JSON, but Python programs write it: one in a row is that row's problem alone.
    """
    try:
        return fields.decode(body, decoder)
    except BadAnswer as error:
        quoted = _TOKEN.sub(_quote, body)
        if quoted == body:
            raise
        try:
            return fields.decode(quoted, decoder)
        except BadAnswer:
            raise error from None


def _quote(token: re.Match[bytes]) -> bytes:
    return token[0] if token[0].startswith(b'"') else b'"' + token[0] + b'"'


def read(
    rows: Rows, of: Callable[[bytes], T], key: Callable[[T], int], field: str
) -> tuple[list[T], tuple[Unreadable, ...]]:
    """Return the rows that `of` makes something of, by the number in their `field`, and the others.

    Several rows of one number are all of them unreadable: nothing says which one counts. Raise
    TooLarge for more than MOST rows.
    """
    if len(rows) > MOST:
        raise TooLarge(f"The answer lists more than {MOST:,} rows. Check the URL and the agent.")
    good: list[tuple[T, bytes]] = []
    bad: list[Unreadable] = []
    for raw in rows:
        row = bytes(raw)
        try:
            good.append((of(row), row))
        except BadAnswer as error:
            bad.append(_unreadable(row, of, field, error))
    counts = Counter(key(one) for one, _ in good)
    twice = f"{field}: the same number twice in one list"
    bad += [_named(row, field, twice) for one, row in good if counts[key(one)] > 1]
    return sorted((one for one, _ in good if counts[key(one)] == 1), key=key), tuple(bad)


def _unreadable(
    row: bytes, of: Callable[[bytes], object], field: str, error: BadAnswer
) -> Unreadable:
    """In the words for the row as it came: `decode` may have quoted a NaN in it."""
    if _QUOTED.search(row):
        try:
            of(_QUOTED.sub(rb"\1", row))
        except BadAnswer as found:
            error = found
    return _named(row, field, error.sentence)


def _named(row: bytes, field: str, problem: str) -> Unreadable:
    try:
        told = msgspec.json.decode(row)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        told = None
    told = told if isinstance(told, dict) else {}
    ticket, symbol = told.get(field), told.get("symbol")
    return Unreadable(
        ticket=ticket if type(ticket) is int and ticket in TICKETS else None,
        symbol=symbol_name.kept(symbol) if isinstance(symbol, str) else "",
        problem=clean(problem, PROBLEM),
    )


def complaint(unreadable: Sequence[Unreadable], what: str) -> str:
    """Return a sentence about rows that could not be read; empty when there is none."""
    if not unreadable:
        return ""
    first, count = unreadable[0], len(unreadable)
    which = f"#{first.ticket}: " if first.ticket else ""
    plural = "" if count == 1 else "s"
    return f"{count} {what}{plural} could not be read ({which}{first.problem})."
