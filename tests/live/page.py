"""A browser's end of a live page's socket, on the real ASGI application in this process."""

import asyncio
import json
from collections.abc import Callable, Iterable
from typing import Any

from django.contrib.auth.models import User
from django.test import Client

from accounts.live.current import mark as mark_now
from mt5monitor.asgi import application

ORIGIN = "http://127.0.0.1:8000"
PATIENCE_S = 10.0


def session_of(user: User) -> str:
    """The session key of a new sign-in."""
    client = Client()
    client.force_login(user)
    return client.cookies["session"].value


class Page:
    """Frames that arrive are kept in order; `until` takes them up to the one asked for."""

    def __init__(self, session: str = "", origin: str | None = ORIGIN, path: str = "/ws/live/"):
        headers = [(b"cookie", f"session={session}".encode())]
        if origin is not None:
            headers.append((b"origin", origin.encode()))
        self.scope = {
            "type": "websocket",
            "path": path,
            "headers": headers,
            "query_string": b"",
            "subprotocols": [],
        }
        self.acks = True
        self._in: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._out: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def __aenter__(self) -> "Page":
        self._in.put_nowait({"type": "websocket.connect"})
        self._task = asyncio.create_task(application(self.scope, self._in.get, self._out.put))
        assert (await self._next())["type"] == "websocket.accept"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._in.put_nowait({"type": "websocket.disconnect", "code": 1001})
        await asyncio.wait_for(self._task, PATIENCE_S)

    async def _next(self) -> dict[str, Any]:
        getting = asyncio.ensure_future(self._out.get())
        await asyncio.wait(
            {getting, self._task}, return_when=asyncio.FIRST_COMPLETED, timeout=PATIENCE_S
        )
        if not getting.done():
            getting.cancel()
            if self._task.done():  # what it raised says more
                self._task.result()
            raise AssertionError("no frame came")
        return getting.result()

    def say(self, text: str) -> None:
        self._in.put_nowait({"type": "websocket.receive", "text": text})

    def say_bytes(self, data: bytes) -> None:
        self._in.put_nowait({"type": "websocket.receive", "bytes": data})

    def watch(
        self,
        *rows: int,
        page: str = "fleet",
        agents: Iterable[int] = (),
        account: int | None = None,
        query: str = "",
        mark: tuple[str, int] | None = None,
    ) -> None:
        epoch, seq = mark or mark_now()
        frame: dict[str, Any] = {
            "type": "watch",
            "page": page,
            "rows": rows,
            "agents": list(agents),
        }
        frame |= {"account": account, "query": query, "epoch": epoch, "seq": seq}
        self.say(json.dumps(frame))

    async def frame(self) -> dict[str, Any]:
        """The next frame; beats are acknowledged. A close is a frame of type "closed"."""
        event = await self._next()
        if event["type"] == "websocket.close":
            return {"type": "closed", "code": event["code"], "reason": event["reason"]}
        frame: dict[str, Any] = json.loads(event["text"])
        if frame["type"] == "beat" and self.acks:
            self.say(json.dumps({"type": "ack", "beat": frame["beat"]}))
        return frame

    async def until(self, kind: str) -> list[dict[str, Any]]:
        """All frames up to and with the next of this kind."""
        frames: list[dict[str, Any]] = []
        async with asyncio.timeout(PATIENCE_S):
            while not frames or frames[-1]["type"] != kind:
                frames.append(await self.frame())
        return frames

    async def get(self, kind: str) -> dict[str, Any]:
        return (await self.until(kind))[-1]

    async def find(self, kind: str, fits: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """The first frame of this kind that fits."""
        async with asyncio.timeout(PATIENCE_S):
            while not fits(frame := await self.get(kind)):
                pass
            return frame

    async def settled(self, *rows: int, **watch: Any) -> None:
        """Watches these rows and waits until the server has taken note."""
        self.watch(*rows, **watch)
        await self.get("beat")
