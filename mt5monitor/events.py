"""Server-sent events: their form, and that nobody goes on hearing what he may not hear any more.

For the operations log. Unlike those of streams.py, its streams keep the thread of their request and
wait for slow readers without an end.
"""

import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from importlib import import_module

from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth import get_user_model
from django.http import HttpRequest, StreamingHttpResponse

CHECK_EVERY_S = 5.0
PING = b": ping\n\n"
ENDED = "ended"
Told = AsyncGenerator[bytes, None]


def event(data: str, *, name: str = "", id: str = "") -> bytes:  # noqa: A002 - its name in the standard
    """One event; each line of the data is a field of its own."""
    fields = [f"id: {id}"] if id else []
    fields += [f"event: {name}"] if name else []
    fields += [f"data: {line}" for line in data.splitlines() or [""]]
    return ("\n".join(fields) + "\n\n").encode()


@dataclass(frozen=True)
class Holder:
    """Who listens, and by what right."""

    user_id: int
    session_key: str
    permission: str

    def may_still(self) -> bool:
        user = get_user_model()._default_manager.filter(pk=self.user_id, is_active=True).first()
        store = import_module(settings.SESSION_ENGINE).SessionStore
        return (
            user is not None and user.has_perm(self.permission) and store().exists(self.session_key)
        )


async def holder(request: HttpRequest, permission: str) -> Holder:
    user = await request.auser()
    return Holder(user.pk or 0, request.session.session_key or "", permission)


def stream(told: Told, holder: Holder) -> StreamingHttpResponse:
    """`told` yields now and then even when nothing happens: PING."""
    response = _Stream(_checked(told, holder), "text/event-stream")
    response.headers["Cache-Control"] = "no-cache"
    response.headers["X-Accel-Buffering"] = "no"
    # Compressed by the middleware it would arrive when a buffer is full.
    response.headers["Content-Encoding"] = "identity"
    return response


class _Stream(StreamingHttpResponse):
    """Closes what it streams when the client leaves: else that would wait for the garbage."""

    def __init__(self, told: Told, content_type: str) -> None:
        super().__init__(told, content_type)
        self._told = told

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async with aclosing(self._told) as parts:
            async for part in parts:
                yield part


async def _checked(told: Told, holder: Holder) -> Told:
    yield b"retry: 2000\n\n"
    check_at = time.monotonic() + CHECK_EVERY_S
    async with aclosing(told) as parts:
        async for part in parts:
            if time.monotonic() >= check_at:
                check_at = time.monotonic() + CHECK_EVERY_S
                if not await database_sync_to_async(holder.may_still)():
                    yield event("You may not see this any more: sign in again.", name=ENDED)
                    return
            yield part
