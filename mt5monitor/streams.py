"""Server-sent events as an answer: what is said arrives at once, compressed where that is asked
for; no thread and no database connection is held; who does not read is cut off.
"""

import asyncio
import re
import time
import zlib
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import cast

from asgiref.sync import SyncToAsync
from django.conf import settings
from django.db import connections
from django.http import HttpRequest, StreamingHttpResponse

from mt5monitor.line import Line

PING = b": ping\n\n"
RETRY = b"retry: 2000\n\n"
ACCEPTS_GZIP = re.compile(r"\bgzip\b(?!\s*;\s*q=0(?:\.0*)?(?:\s|,|$))")
# Many streams may be open: 37 KB each instead of 260. Brotli packs as well from quality 3 on, which
# takes 300 KB a stream; below that it packs next to nothing of what is sent at once.
WINDOW_BITS, MEMORY_LEVEL = 16 + 12, 5
UNREAD_MOST = 64 * 1024  # bytes; then the stream waits for its reader
LOOK_AGAIN_S = 0.1
Told = AsyncGenerator[bytes, None]
Pack = Callable[[bytes | None], bytes]
"""What is sent for what is said; None is the end."""


def event(data: str, *, name: str = "", mark: str = "") -> bytes:
    """One event; `mark` is what a client sends back as Last-Event-ID."""
    fields = [f"id: {mark}"] if mark else []
    fields += [f"event: {name}"] if name else []
    fields += [f"data: {line}" for line in data.splitlines() or [""]]
    return ("\n".join(fields) + "\n\n").encode()


def answer(request: HttpRequest, told: Told) -> StreamingHttpResponse:
    """`told` is closed when the client leaves. It says PING now and then when it has nothing else
    to say: nothing but writing shows that somebody has left."""
    zipped = ACCEPTS_GZIP.search(request.headers.get("Accept-Encoding", "")) is not None
    response = _Stream(_sent(told, line_of(request), _gzip() if zipped else _plain()))
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"
    response.headers["Vary"] = "Accept-Encoding"
    # The middleware would keep what is said until it has some kilobytes of it.
    response.headers["Content-Encoding"] = "gzip" if zipped else "identity"
    return response


class _Stream(StreamingHttpResponse):
    """Closes what it streams when the client leaves. Django's own closes nothing but itself: what
    it read from would end when it is found to be garbage, and in a task that nobody waits for."""

    def __init__(self, sent: Told) -> None:
        super().__init__(sent, content_type="text/event-stream")
        self._sent = sent

    async def __aiter__(self) -> Told:
        parts = cast("Told", super().__aiter__())
        async with aclosing(self._sent), aclosing(parts):
            async for part in parts:
                yield part


def line_of(request: HttpRequest) -> Line:
    line: Line | None = getattr(request, "scope", {}).get("line")
    return line or Line(None)


async def _sent(told: Told, line: Line, pack: Pack) -> Told:
    _let_go_of_thread()
    async with aclosing(told):
        yield pack(RETRY)
        async for part in told:
            if not await _has_room(line):
                line.cut()
                return
            yield pack(part)
        if rest := pack(None):
            yield rest


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


def _plain() -> Pack:
    return lambda part: part or b""


def _gzip() -> Pack:
    packer = zlib.compressobj(wbits=WINDOW_BITS, memLevel=MEMORY_LEVEL)

    def pack(part: bytes | None) -> bytes:
        if part is None:
            return packer.flush()
        return packer.compress(part) + packer.flush(zlib.Z_SYNC_FLUSH)

    return pack
