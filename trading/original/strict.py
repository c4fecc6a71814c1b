"""JSON as the original wrote it, read strictly: nothing in it is guessed at, and nothing is lost.

Numbers are int or Decimal, exactly as written. A float stands only for NaN and the infinities,
which Python writes although JSON has none: whoever meets one takes it for no number.
"""

import json
from collections import Counter
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from mt5monitor.text import clean
from mt5monitor.text_file import NotText, decoded

SHOWN = 60
REASON = "import_original"
"""Of the history of edits: by it a repeat tells its own edits from those of people."""


class Stopped(Exception):
    """The import cannot be made; nothing was written. The text says what to do."""


class Skip(Exception):
    """One entry of a file cannot be taken; the text says why."""


def text_of(path: Path, most_bytes: int) -> str:
    """Without its byte order mark. Raises Stopped."""
    try:
        if path.stat().st_size > most_bytes:
            most = f"{most_bytes // 1_000_000 or 1} MB"
            raise Stopped(f"{path}: larger than {most}: is it the original's file?")
        return decoded(path.read_bytes())
    except OSError as error:
        raise Stopped(f"{path}: cannot be read: {error.strerror}.") from error
    except NotText as error:
        raise Stopped(f"{path} {error}") from error


def parsed(text: str, where: str) -> Any:
    """Raises Stopped, naming `where` and the line or the key."""
    try:
        return json.loads(text, parse_float=Decimal, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise Stopped(f"{where}, {place}: not JSON: {error.msg}. Correct it there.") from error
    except RecursionError as error:
        raise Stopped(f"{where}: nested too deep: is it the original's file?") from error
    except (ValueError, InvalidOperation) as error:
        said = clean(str(error), 200)
        raise Stopped(f"{where}: not JSON that can be used: {said}") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise ValueError(f"{quoted(twice)} stands twice in one object. Keep one of the two.")
    return found


def quoted(value: Any) -> str:
    """What somebody wrote, on one line and not too long, for a sentence about it."""
    return f"“{clean(str(value), SHOWN)}”"


def kind(value: Any) -> str:
    if isinstance(value, float):
        return f"{value}, which is no number"
    kinds = {dict: "an object", list: "a list", str: "text", bool: "true or false"}
    return "nothing" if value is None else kinds.get(type(value), "a number")


SHARED = "several accounts have this number here, and the original names no server: do it by hand"


def number(value: Any, what: str) -> Decimal:
    """Raises Skip for what is no JSON number."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise Skip(f"{what} must be a number, not {kind(value)}.")
    return Decimal(value)


def words(value: Any, what: str) -> str:
    """Raises Skip for what is no text."""
    if not isinstance(value, str):
        raise Skip(f"{what} must be text, not {kind(value)}.")
    return " ".join(value.split())


def login(value: Any, what: str) -> int:
    """Raises Skip for what is no account number."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise Skip(f"{what} must be an account number, not {kind(value)}.")
    return _login(value, what)


def login_of_key(key: str) -> int:
    """Of a key of phases.json and the like. Raises Skip."""
    text = key.strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise Skip("This is no account number.")
    return _login(int(text), "The key")


def _login(value: int, what: str) -> int:
    if not 0 < value <= 10**15:
        raise Skip(f"{what} is {value}, which is no account number.")
    return value
