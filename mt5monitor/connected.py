"""Sockets and streams that are open in this process, by kind."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

PAGES: Final = "page_sockets"
PROGRAMS: Final = "program_sockets"
STREAMS: Final = "streams"
KINDS: Final = (PAGES, PROGRAMS, STREAMS)

_open: Counter[str] = Counter()
_opened: Counter[str] = Counter()


@contextmanager
def counted(kind: str) -> Iterator[None]:
    """Count one connection of this kind while it lasts. Called on the loop that serves: no lock."""
    _open[kind] += 1
    _opened[kind] += 1
    try:
        yield
    finally:
        _open[kind] -= 1


def counts() -> dict[str, dict[str, int]]:
    """Return, for each kind, how many are open now and were opened since the process began."""
    return {kind: {"open": _open[kind], "opened": _opened[kind]} for kind in KINDS}
