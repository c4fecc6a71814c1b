"""Live pages: the hub of this process. See hub.py; the frames are in frames.py."""

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from accounts.live.hub import Hub

READY_WITHIN_S = 0.5

__all__ = [
    "access",
    "allowance",
    "beat",
    "browser",
    "frames",
    "mark",
    "publishing",
    "versions",
]

_current: "Hub | None" = None


def mark() -> tuple[str, int]:
    """The (epoch, seq) to put on a page; taken before its rows are read. From any thread."""
    return _current.mark if _current is not None else ("", 0)


def current() -> "Hub":
    """The hub on the running loop, started when there is none."""
    from accounts.live.hub import Hub  # models are not ready when the views are imported

    global _current
    if _current is None or _current.loop is not asyncio.get_running_loop():
        _current = Hub()
    return _current


async def ready() -> None:
    """Starts the hub, and lets it begin to listen before the first page is marked."""
    if _current is None or _current.loop is not asyncio.get_running_loop():
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                await current().link.listening.wait()
        except TimeoutError:
            return  # without Valkey pages still work; they heal from the database
