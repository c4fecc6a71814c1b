"""The `.env` file: read whole, or the start stops with a sentence about its first wrong line."""

import difflib
import io
import re
from collections.abc import Collection, Iterator
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

from mt5monitor.text_file import NotText, decoded

_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=(.*)")
_QUOTED = re.compile(r"""'[^']*'|"(?:[^"\\]|\\.)*\"""")
_COMMENT = re.compile(r"\s#")
CLOSE = 0.8  # of 1, by difflib: DATBASE_URL and DATABASE_URL are 0.96


def read_env(path: Path) -> frozenset[str]:
    """Put what the file sets into the environment, which comes first, and return the names.

    Raises ImproperlyConfigured for a file that cannot be read and a line that is not understood.
    """
    text = _text(path)
    if text is None:
        return frozenset()
    found: dict[str, tuple[int, str]] = {}
    for number, name, value in _settings(path, text):
        before = found.setdefault(name, (number, value))
        if before[1] != value:
            lines = f"lines {before[0]} and {number}"
            raise ImproperlyConfigured(f"{path} sets {name} twice ({lines}). Keep one of them.")
    lines = "\n".join(f"{name}={value}" for name, (_, value) in found.items())
    environ.Env.read_env(io.StringIO(lines))
    return frozenset(found)


def _text(path: Path) -> str | None:
    """None when there is no file."""
    try:
        return decoded(path.read_bytes())
    except FileNotFoundError:
        written = path.with_name(f"{path.name}.txt")
        if not written.exists():
            return None
        raise ImproperlyConfigured(  # Notepad adds .txt to what it saves
            f"{written} is not read. Rename it to {path.name}."
        ) from None
    except NotADirectoryError:
        return None
    except OSError as error:
        raise ImproperlyConfigured(f"{path} cannot be read: {error.strerror}.") from error
    except NotText as error:
        raise ImproperlyConfigured(f"{path} {error}") from error


def _settings(path: Path, text: str) -> Iterator[tuple[int, str, str]]:
    """Each line that sets something: its number, the name, the value with its quotes.

    No sentence holds a value: it may be a secret.
    """
    for number, line in enumerate(map(str.strip, text.splitlines()), start=1):
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise ImproperlyConfigured(
                f"{path}, line {number} is not understood. Write NAME=value, or # before a comment."
            )
        name, value = match[1], match[2].strip()
        if wrong := _wrong(value):
            raise ImproperlyConfigured(f"{path}, line {number}: {name} {wrong}")
        yield number, name, value


def _wrong(value: str) -> str:
    if value[:1] in ("'", '"') and value:
        if _QUOTED.fullmatch(value):
            return ""
        return "has quotes that do not close, or text after them. Put the whole value in quotes."
    if _COMMENT.search(value):
        return "has a # after a space. Put a comment on a line of its own, or the value in quotes."
    return ""


def unknown_names(path: Path, names: Collection[str], known: Collection[str]) -> list[str]:
    """Return the names of the file that are not settings.

    Raises ImproperlyConfigured for one that is nearly a setting's name: what was meant to be set
    would silently have its default.
    """
    unknown = sorted(set(names) - set(known))
    for name in unknown:
        if near := difflib.get_close_matches(name.upper(), known, n=1, cutoff=CLOSE):
            raise ImproperlyConfigured(
                f"{path} sets {name}, which is not a setting. Did you mean {near[0]}?"
            )
    return unknown
