"""Events for API clients: what changed is written to one stream in Valkey and read from it by every
web process. The operations log is a stream too, and followed in the same way.

publishing.py  writes events after commit
stream.py      the stream, its numbers and epochs
payloads.py    the JSON of an event
journals.py    events that a process died before writing
hub.py         reads the stream once for all clients of a web process
circle.py      those who follow one stream
heart.py       whether clients may still listen, and what was never written
events.py      one event, and those that are kept
listener.py    one client, by its mark
program.py     a client on a socket
socket.py      the socket `/ws`
frames.py      its frames
admission.py   how many one user can open
access.py      who may receive what
feed.py        server-sent events
follower.py    one stream of them
streaming.py   the answer to a request for one
log.py         the operations log as a stream
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
