"""Something bad between the monitor and its agents: a proxy that does harm to trades only."""

import asyncio
import contextlib
import re
import socket
import threading
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from tests.serving import listener

TRADE = re.compile(rb"(POST|PUT) \S*/(v2/orders|positions/(open|close|modify)) ")
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Harm = Callable[["Trade"], Awaitable[None]]


class Trade:
    """One trade that came to the proxy, whole, on a connection of its own."""

    def __init__(self, proxy: "Proxy", request: bytes, writer: asyncio.StreamWriter) -> None:
        self.proxy, self.request, self.writer = proxy, request, writer

    async def answer(self) -> bytes:
        """What the agent answers, now that it is asked."""
        reader, writer = await asyncio.open_connection(*self.proxy.agent)
        with contextlib.closing(writer):
            writer.write(self.request)
            return await message(reader)

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        self.writer.transport.abort()


class Proxy:
    """In front of one host; what `harm` does befalls the next trades. `trades` counts them."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.agent = (parts.hostname or "", parts.port or 0)
        self.harm: Harm | None = None
        self.trades = 0
        self._socket = listener()
        self.base = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Proxy":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)

    def refuse(self) -> None:
        """New connections; those that stand are served."""
        self._loop.call_soon_threadsafe(self._server.close)
        while self._takes_connections():
            pass

    def _takes_connections(self) -> bool:
        try:
            socket.create_connection(self._address, 5).close()
        except ConnectionRefusedError:
            return False
        except ConnectionResetError:
            pass  # it closed while this one waited to be taken: ask again
        return True

    def _run(self) -> None:
        with contextlib.closing(self._loop):
            self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        self._address = self._socket.getsockname()
        self._server = await asyncio.start_server(self._connected, sock=self._socket)
        await self._over.wait()
        self._server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.closing(writer):
                while request := await message(reader):
                    await self._pass(Trade(self, request, writer))
        except (ConnectionError, asyncio.CancelledError):
            writer.transport.abort()

    async def _pass(self, asked: Trade) -> None:
        harm = self.harm if TRADE.match(asked.request) else None
        self.trades += bool(TRADE.match(asked.request))
        if harm is None:
            await asked.say(await asked.answer())
        else:
            await harm(asked)


async def message(reader: asyncio.StreamReader) -> bytes:
    """One request or answer, with its body; empty at the end of the connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        length = LENGTH.search(head)
        return head + (await reader.readexactly(int(length[1])) if length else b"")
    except asyncio.IncompleteReadError:
        return b""
