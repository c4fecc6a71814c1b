"""The hub of this process."""

import asyncio

from accounts.live.hub import Hub

_current: Hub | None = None


def current() -> Hub:
    """Return the hub on the running loop, made when there is none."""
    global _current
    if _current is None or _current.loop is not asyncio.get_running_loop():
        _current = Hub()
    return _current


def mark() -> tuple[str, int]:
    """Return the (epoch, seq) to put on a page; call it before the rows are read. From any thread;
    for a moment it may wait for Valkey."""
    return _current.mark_page() if _current is not None else ("", 0)
