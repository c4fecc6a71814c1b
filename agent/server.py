"""uvicorn as the agent and the fleet run it."""

import contextlib
import sys
from collections.abc import Callable
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.auto import AutoHTTPProtocol

# Longer than the longest poll interval of the monitor, or every poll would connect anew.
KEEP_ALIVE_SECONDS = 75
ABORT = "agent.abort"


class Protocol(AutoHTTPProtocol):  # type: ignore[misc,valid-type]
    """Lets the application drop the connection, which ASGI has no word for (`scope[ABORT]`)."""

    app: Any

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.app = WithAbort(self.app, transport)


class WithAbort:
    __slots__ = ("app", "transport")

    def __init__(self, app: ASGIApp, transport: Any) -> None:
        self.app, self.transport = app, transport

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[ABORT] = self.transport.abort
        await self.app(scope, receive, send)


class Server(uvicorn.Server):
    """Prints one line once it listens, with the port that was really bound.

    `ended` is called at an orderly end: uvicorn raises the signal that ended it once more, so
    nothing after its `run` is reached.
    """

    def __init__(
        self, config: uvicorn.Config, announcement: str, ended: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self.announcement, self.ended = announcement, ended

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        host = f"[{host}]" if ":" in host else host
        sys.stdout.write(f"{self.announcement} at http://{host}:{port}/\n")
        sys.stdout.flush()

    async def shutdown(self, sockets: Any = None) -> None:
        await super().shutdown(sockets)
        self.ended()


def serve(
    app: ASGIApp,
    *,
    host: str,
    port: int,
    announcement: str,
    keep_alive: int = KEEP_ALIVE_SECONDS,
    ended: Callable[[], None] = lambda: None,
) -> None:
    """Serve until SIGINT or SIGTERM; exits with 1 when the address cannot be bound."""
    allow_many_connections()
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=Protocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        server_header=False,
        backlog=8_192,
        timeout_keep_alive=keep_alive,
        # Hanging answers must not keep the process alive: it has to end within 5 s.
        timeout_graceful_shutdown=1,
    )
    # Ctrl-C arrives a second time after an orderly end; the traceback would say nothing.
    with contextlib.suppress(KeyboardInterrupt):
        try:
            Server(config, announcement, ended).run()
        except SystemExit as error:
            # uvicorn has said what was wrong, and leaves with a number of its own.
            raise SystemExit(1) from error


def allow_many_connections() -> None:
    """One file a connection: raise the soft limit to the hard one, where there is such a thing."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
