"""Programs that listen: what changed is written to one stream in Valkey and read from it by every
web process. See stream.py for the way of an event; sockets are in socket.py, streams of server-sent
events in feed.py. The operations log is a stream too, and followed in the same way: log.py.
"""

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from accounts.events.hub import Hub

__all__ = [
    "access",
    "events",
    "feed",
    "journals",
    "log",
    "payloads",
    "publishing",
    "stream",
    "streaming",
]

_current: "Hub | None" = None


def current() -> "Hub":
    """The hub on the running loop, made when there is none."""
    from accounts.events.hub import Hub  # models are not ready when the views are imported

    global _current
    if _current is None or _current.loop is not asyncio.get_running_loop():
        _current = Hub()
    return _current
