"""Servers of tests: an application on a thread of its own, as if on its own machine."""

import asyncio
import socket
import threading
from typing import Any

import uvicorn


def listener() -> socket.socket:
    """On a free port of this machine. It says that it speaks TCP, as those that asyncio makes do:
    asyncio takes Nagle's delay away from such sockets only, and else each answer that is written
    in two parts arrives 40 ms late."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    return listening


class Serving:
    """Serves while it is entered; callers are heard from the beginning. `url`: without a path."""

    def __init__(self, app: Any, **options: Any) -> None:
        """`options`: those of uvicorn."""
        self._socket = listener()
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(app, lifespan="off", log_config=None, access_log=False, **options)
        self._server = _Server(config)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._socket]))

    def __enter__(self) -> "Serving":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread.is_alive():  # a test may have ended it before
            self._server.end()
            self._thread.join(5)


class _Server(uvicorn.Server):
    """Ends at once; uvicorn looks whether it should ten times a second, and then waits as long."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._runs = threading.Event()

    async def main_loop(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        self._runs.set()
        await self._over.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for listening in sockets or []:
            listening.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    def end(self) -> None:
        # One that is told to end before it runs would never say that it does.
        if self._runs.wait(5):
            self.should_exit = self.force_exit = True
            self._loop.call_soon_threadsafe(self._over.set)
