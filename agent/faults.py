"""Ways in which an agent misbehaves on request, for demos and tests.

Each fault is an ASGI application that answers in place of the agent.
"""

import asyncio
import functools
import gzip
import json
from collections.abc import AsyncIterator

from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent.server import ABORT

HUGE = 50 * 1024 * 1024


async def down(scope: Scope, receive: Receive, send: Send) -> None:
    """Drop the connection without an answer."""
    scope[ABORT]()
    await hang(scope, receive, send)


async def hang(scope: Scope, receive: Receive, send: Send) -> None:
    """Never answer; return when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def error(scope: Scope, receive: Receive, send: Send) -> None:
    await Response("Internal Server Error", 500, media_type="text/plain")(scope, receive, send)


async def html(scope: Scope, receive: Receive, send: Send) -> None:
    page = "<!doctype html><title>Sign in</title><h1>Sign in</h1>"
    await Response(page, media_type="text/html")(scope, receive, send)


async def redirect(scope: Scope, receive: Receive, send: Send) -> None:
    """To where cloud machines keep their credentials."""
    await RedirectResponse("http://169.254.169.254/latest/meta-data/")(scope, receive, send)


async def drip(scope: Scope, receive: Receive, send: Send) -> None:
    """Announce an answer and send one byte a second."""

    async def bytes_of_an_answer() -> AsyncIterator[bytes]:
        for byte in b'{"account_number": 1' + b" " * 3_600:
            yield bytes([byte])
            await asyncio.sleep(1)

    stream = StreamingResponse(bytes_of_an_answer(), media_type="application/json")
    await stream(scope, receive, send)


async def huge(scope: Scope, receive: Receive, send: Send) -> None:
    """50 MB, well-formed to the last byte but one."""

    async def spaces() -> AsyncIterator[bytes]:
        yield b"{"
        for _ in range(HUGE // 65_536):
            yield b" " * 65_536

    stream = StreamingResponse(spaces(), media_type="application/json")
    await stream(scope, receive, send)


async def bomb(scope: Scope, receive: Receive, send: Send) -> None:
    """50 KB that unpack to 50 MB."""
    headers = {"content-encoding": "gzip"}
    response = Response(_packed(), media_type="application/json", headers=headers)
    await response(scope, receive, send)


async def text(scope: Scope, receive: Receive, send: Send) -> None:
    """Strings where numbers belong."""
    account = {"account_number": "12x", "balance": "plenty", "status": "connected"}
    await _json(account, scope, receive, send)


async def zero(scope: Scope, receive: Receive, send: Send) -> None:
    """Account 0 with balance 0, as from a terminal that has lost its account."""
    account = {"account_number": 0, "balance": 0.0, "status": "disconnected"}
    await _json(account, scope, receive, send)


async def cut(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Do what was asked, and drop the connection in place of the answer."""

    async def swallow(message: Message) -> None:
        """The answer goes nowhere."""

    await app(scope, receive, swallow)
    await down(scope, receive, send)


async def held(seconds: float, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Do what was asked at once, and answer later."""

    async def send_late(message: Message) -> None:
        if message["type"] == "http.response.start":
            await asyncio.sleep(seconds)
        await send(message)

    await app(scope, receive, send_late)


async def _json(content: object, scope: Scope, receive: Receive, send: Send) -> None:
    response = Response(json.dumps(content), media_type="application/json")
    await response(scope, receive, send)


@functools.cache
def _packed() -> bytes:
    return gzip.compress(b"{" + b" " * HUGE)


FAULTS: dict[str, ASGIApp] = {
    "down": down,
    "hang": hang,
    "error": error,
    "html": html,
    "redirect": redirect,
    "drip": drip,
    "huge": huge,
    "bomb": bomb,
    "text": text,
    "zero": zero,
}
# What `--fault-rate` picks from: faults that are over at once.
PASSING = ("error", "html", "down")
