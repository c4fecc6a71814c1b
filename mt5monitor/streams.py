"""Server-sent events as an answer: what is said arrives at once, compressed where that is asked
for; no thread and no database connection is held; who does not read is cut off.
"""

import asyncio
import re
import time
import zlib
from collections.abc import AsyncIterator

from asgiref.sync import SyncToAsync
from django.conf import settings
from django.db import connections
from django.http import HttpRequest, StreamingHttpResponse

from mt5monitor.line import Line

PING = b": ping\n\n"
RETRY = b"retry: 2000\n\n"
ACCEPTS_GZIP = re.compile(r"\bgzip\b(?!\s*;\s*q=0(?:\.0*)?(?:\s|,|$))")
# 4 KB of memory behind and 32 KB for the work instead of 256: there may be many streams.
WINDOW_BITS, MEMORY_LEVEL = 16 + 12, 5
UNREAD_MOST = 64 * 1024  # bytes; then the stream waits for its reader
LOOK_AGAIN_S = 0.1


def event(data: str, *, name: str = "", mark: str = "") -> bytes:
    """One event; `mark` is what a client sends back as Last-Event-ID."""
    fields = [f"id: {mark}"] if mark else []
    fields += [f"event: {name}"] if name else []
    fields += [f"data: {line}" for line in data.splitlines() or [""]]
    return ("\n".join(fields) + "\n\n").encode()


def answer(request: HttpRequest, told: AsyncIterator[bytes]) -> StreamingHttpResponse:
    """`told` is closed when the client leaves. It says PING now and then when it has nothing else
    to say: nothing but writing shows that somebody has left."""
    told = _kept_up(told, line_of(request))
    zipped = ACCEPTS_GZIP.search(request.headers.get("Accept-Encoding", "")) is not None
    response = StreamingHttpResponse(_zipped(told) if zipped else told, "text/event-stream")
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"
    response.headers["Vary"] = "Accept-Encoding"
    # The middleware would keep what is said until it has some kilobytes of it.
    response.headers["Content-Encoding"] = "gzip" if zipped else "identity"
    return response


def line_of(request: HttpRequest) -> Line:
    line: Line | None = getattr(request, "scope", {}).get("line")
    return line or Line(None)


async def _kept_up(told: AsyncIterator[bytes], line: Line) -> AsyncIterator[bytes]:
    _let_go_of_thread()
    yield RETRY
    async for part in told:
        if not await _has_room(line):
            line.cut()
            return
        yield part


async def _has_room(line: Line) -> bool:
    """Whether the reader took enough of what it was sent, in time."""
    give_up = time.monotonic() + settings.LIVE_BEHIND_S
    while line.unread > UNREAD_MOST:
        if time.monotonic() > give_up:
            return False
        await asyncio.sleep(LOOK_AGAIN_S)
    return True


def _let_go_of_thread() -> None:
    """Django gives each request a thread of its own, with a connection to the database, until it is
    answered, which here is when the client leaves. What was done there is done; another is made if
    there is more."""
    context = SyncToAsync.thread_sensitive_context.get(None)
    executor = SyncToAsync.context_to_thread_executor.pop(context, None) if context else None
    if executor is not None:
        executor.submit(connections.close_all)
        executor.shutdown(wait=False)


async def _zipped(told: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    packer = zlib.compressobj(wbits=WINDOW_BITS, memLevel=MEMORY_LEVEL)
    async for part in told:
        yield packer.compress(part) + packer.flush(zlib.Z_SYNC_FLUSH)
    yield packer.flush()
