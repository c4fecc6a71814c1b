"""The .env file of the original: variables as its own program read them, quotes and all.

django-environ reads a line at a time, so that a list of agents that spans lines would be lost.
A list or an object without quotes may span lines here too.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

_BEGINS = re.compile(r"[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=[ \t]*")
_QUOTED = {
    "'": re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL),
    '"': re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL),
}
_REST = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|\Z)")
_COMMENT = re.compile(r"(?:^|[ \t])#.*")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_MEANT = {"'": {"\\": "\\", "'": "'"}, '"': {"\\": "\\", "'": "'", '"': '"', "n": "\n", "t": "\t"}}
_json = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Variable:
    """`line`: where it begins, from 1. `is_whole` is False where its quotes or brackets do not
    close; `value` then holds all that follows, for whoever says where it went wrong."""

    name: str
    value: str
    line: int
    is_whole: bool = True


def variables(text: str) -> Iterator[Variable]:
    """In order; of a name that stands twice the last one counts. Lines that set nothing are passed
    over, as the original did."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    at = 0
    while at < len(text):
        begins = _BEGINS.match(text, at)
        if begins is None:
            at = _next_line(text, at)
            continue
        value, end, whole = _value(text, begins.end())
        yield Variable(begins[1], value, text.count("\n", 0, begins.start()) + 1, whole)
        at = end


def _value(text: str, at: int) -> tuple[str, int, bool]:
    """(the value, where the next line begins, whether it was closed)."""
    sign, end = text[at : at + 1], _next_line(text, at)
    if sign in _QUOTED:
        quoted = _QUOTED[sign].match(text, at)
        rest = _REST.match(text, quoted.end()) if quoted else None
        if quoted is None or rest is None:
            return text[at:], end, False
        return _unescaped(quoted[1], sign), rest.end(), True
    if sign and sign in "[{":
        closes = _close_of(text, at)
        rest = _REST.match(text, closes) if closes else None
        if closes is None or rest is None:
            return text[at:], end, False
        return text[at:closes], rest.end(), True
    return _COMMENT.sub("", text[at:end].rstrip("\n")).rstrip(), end, True


def _close_of(text: str, at: int) -> int | None:
    try:
        return _json.raw_decode(text, at)[1]
    except (ValueError, RecursionError):
        return None


def _unescaped(value: str, sign: str) -> str:
    return _ESCAPE.sub(lambda found: _MEANT[sign].get(found[1], found[0]), value)


def _next_line(text: str, at: int) -> int:
    return text.find("\n", at) + 1 or len(text)
