"""Agents that misbehave, on real sockets: each is a function of one connection.

A server keeps what it saw: how many connections, and every request's first line and headers.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ssl import SSLContext
from typing import Any

Reply = bytes | None
Answer = Callable[["Visit"], Awaitable[None]]

ACCOUNT: dict[str, Any] = {
    "account_number": 5001,
    "account_name": "Ana Ruiz",
    "balance": 100250.5,
    "status": "connected",
    "days_operating": 12,
    "has_open_position": False,
    "last_updated": "2026-01-05T10:00:00",
    "account_holder": "Ana",
    "prop_firm": "North",
    "initial_balance": 100000.0,
}
POSITION: dict[str, Any] = {
    "ticket": 77,
    "symbol": "EURUSD",
    "type": "BUY",
    "volume": 0.5,
    "open_price": 1.0851,
    "current_price": 1.08621,
    "sl": None,
    "tp": 1.09,
    "profit": 55.5,
    "swap": -1.25,
    "commission": 0.0,
    "open_time": "2026-01-05T09:00:00",
}


def account(**changes: Any) -> dict[str, Any]:
    return {**ACCOUNT, **changes}


def positions(*listed: dict[str, Any], number: int = 5001, **changes: Any) -> dict[str, Any]:
    told = {"account_number": number, "positions": list(listed), "position_count": len(listed)}
    return {**told, "total_profit": 0.0, **changes}


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    connection: int
    body: bytes = b""


@dataclass
class Visit:
    """One request on one connection."""

    request: Request
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, *parts: bytes) -> None:
        for part in parts:
            self.writer.write(part)
        await self.writer.drain()

    async def json(self, value: Any, status: str = "200 OK") -> None:
        await self.send(response(json.dumps(value).encode(), status))

    def reset(self) -> None:
        self.writer.transport.abort()


@dataclass
class Server:
    url: str = ""
    connections: int = 0
    requests: list[Request] = field(default_factory=list)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def paths(self) -> list[str]:
        return [f"{request.method} {request.path}" for request in self.requests]


def response(
    body: bytes,
    status: str = "200 OK",
    kind: str = "application/json",
    headers: tuple[str, ...] = (),
    length: int | None = None,
) -> bytes:
    lines = [
        f"HTTP/1.1 {status}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body) if length is None else length}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def _read_request(reader: asyncio.StreamReader, number: int) -> Request | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    first, *lines = head.strip().split("\r\n")
    headers = {
        name.lower(): value.strip() for name, _, value in (li.partition(":") for li in lines)
    }
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    method, path, _ = first.split(" ")
    return Request(method, path, headers, number, body)


@asynccontextmanager
async def serving(answer: Answer, tls: SSLContext | None = None) -> AsyncIterator[Server]:
    """A server on a free port of loopback that calls `answer` for each request."""
    server = Server()

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        number = server.connections
        server.writers.append(writer)
        try:
            while (request := await _read_request(reader, number)) is not None:
                server.requests.append(request)
                server.arrived.set()
                await answer(Visit(request, reader, writer))
                if writer.is_closing():
                    break
        except ConnectionError:
            pass
        finally:
            writer.close()

    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(connection(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    listener = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls, backlog=1024)
    port = listener.sockets[0].getsockname()[1]
    server.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    try:
        yield server
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in server.writers:
            writer.transport.abort()
        # One turn of the loop, in which the aborted transports let go of their sockets.
        await asyncio.sleep(0)


def telling(answers: dict[str, Any]) -> Answer:
    """A healthy agent: `answers` by path, a value is JSON, bytes go out as they are."""

    async def answer(visit: Visit) -> None:
        told = answers.get(visit.request.path)
        if told is None:
            await visit.json({"detail": "Not Found"}, "404 Not Found")
        elif isinstance(told, bytes):
            await visit.send(told)
        else:
            await visit.json(told)

    return answer


ACCOUNT_JSON = response(b'{"account_number": 1, "balance": 2, "has_open_position": false}')


def sending(*parts: bytes, hang: bool = False) -> Answer:
    """Sends `parts`, then closes, or hangs until the client gives up."""

    async def answer(visit: Visit) -> None:
        await visit.send(*parts)
        if hang:
            await visit.reader.read()
        visit.writer.close()

    return answer
