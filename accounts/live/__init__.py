"""Live pages: what a committed transaction changed is rendered once and sent to every open page.

`mark()` goes on a page before its rows are read; the rest is between publishers and hubs.

publishing.py  what a transaction changed, rendered and sent after commit
message.py     what is sent to the hubs
hub.py         the hub of a web process: passes messages to its pages
link.py        the hub's one channel in the layer
heart.py       each two seconds: what was heard, who may still listen, what was missed
beat.py        what the heart reads from the database
sources.py     numbers of messages, by the process that sent them
backlog.py     what pages that come back have missed
versions.py    which of two rows is newer
screen.py      pages that show the same
drawings.py    totals and panels, drawn for several pages at once
pace.py        not more often than so
browser.py     one open page
access.py      who can open a page, and whether that still holds
allowance.py   frames a page can send
frames.py      the frames between page and hub
"""

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
