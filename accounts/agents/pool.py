"""The connections of a process: aiohttp sessions under the httpx transport.

No limit a host, for a fleet of simulated agents lives behind one host and port; no limit in all
unless set, for concurrency is bounded by the slots of the client; idle connections are kept
longer than the longest poll interval.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar

import aiohttp
import msgspec
from aiohttp.abc import AbstractCookieJar
from aiohttp.connector import Connection
from httpx_aiohttp import AiohttpTransport

from accounts.agents.addresses import Network, check_dialled
from accounts.agents.connections import Connector
from accounts.agents.errors import AddressNotAllowed, ConnectionLost, Malformed
from accounts.agents.limits import Limits
from accounts.agents.names import NAMES, REMEMBERED_S, Memory, Resolver

AddrInfo = tuple[int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[object, ...]]

TRADES_THREADS = 4


class Dial(msgspec.Struct):
    """What happened at the sockets for one request: nothing, when it went out on an open one."""

    tried: int = 0
    refused: AddressNotAllowed | None = None
    admit: Callable[[], None] | None = None
    """Called when the connection stands, right before the request is written to it. Raises the
    AgentError that keeps the request back. Through Pool.once only."""
    written: bool = False
    """Whether the request may have left, in part or whole. Through Pool.once only."""
    status: int | None = None
    """The HTTP status of the answer, as soon as there is one."""
    heard: list[bytes] = []
    """The body of the answer, as far as it came."""


class Disconnected(aiohttp.ClientConnectionError):
    """The connection ended after the request was handed to it and before an answer began."""


dialling: ContextVar[Dial] = ContextVar("dialling")


class Once(aiohttp.ClientRequest):
    """A request that is written to one connection, if at all, whatever else is asked of it."""

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        dial, protocol = dialling.get(), conn.protocol
        if dial.written:
            raise RuntimeError("a request that was written was about to be written again")
        if protocol is None or not protocol.is_connected():
            raise ConnectionLost("It took the connection and closed it before it was asked.")
        if getattr(protocol, "unasked", False):
            raise Malformed("It spoke before it was asked, as no agent does: is the port right?")
        if dial.admit is not None:
            dial.admit()
        dial.written = True
        return await super().send(conn)


class Pool:
    """Three sets of connections: `keeping` reuses them, `fresh` and `once` open one for each
    request.

    What must not be lost on a connection that may be dead goes through `fresh`; what must not go
    out twice through `once`, which shares nothing with the others, neither a limit nor threads.
    None sends anything again by itself. Must be made on the loop that uses it.
    """

    def __init__(self, limits: Limits, allowed: tuple[Network, ...], tls: ssl.SSLContext) -> None:
        self._allowed = allowed
        memory = Memory()
        polls = {"limit": limits.max_connections, "resolver": Resolver(memory)}
        self._threads = ThreadPoolExecutor(TRADES_THREADS, "trade-names")
        trades = {"limit": 0, "resolver": Resolver(memory, self._threads, recalls=True)}
        self._connector = self._connect(tls, keepalive_timeout=limits.keepalive, **polls)
        self._sessions = [
            _session(self._connector),
            _session(self._connect(tls, force_close=True, **polls)),
            _session(self._connect(tls, force_close=True, use_dns_cache=False, **trades), Once),
        ]
        self.keeping, self.fresh, self.once = (
            AiohttpTransport(verify=tls, trust_env=False, client=session)
            for session in self._sessions
        )
        self.in_use = 0
        self.unused = asyncio.Event()
        self.unused.set()

    @contextmanager
    def held(self) -> Iterator[Pool]:
        """The pool, which is not closed while somebody holds it."""
        self.in_use += 1
        self.unused.clear()
        try:
            yield self
        finally:
            self.in_use -= 1
            if not self.in_use:
                self.unused.set()

    def _connect(self, tls: ssl.SSLContext, **how: object) -> Connector:
        return Connector(
            limit_per_host=0,
            ssl=tls,
            ttl_dns_cache=REMEMBERED_S,
            dns_cache_max_size=NAMES,
            socket_factory=self._socket,
            **how,
        )

    def _socket(self, info: AddrInfo) -> socket.socket:
        """A socket for the address that is about to be dialled, if it may be."""
        dial = dialling.get()
        dial.tried += 1
        family, kind, protocol, _, address = info
        try:
            check_dialled(str(address[0]), self._allowed)
        except AddressNotAllowed as error:
            dial.refused = error
            # An OSError, so that the other addresses of the same name are still tried.
            raise PermissionError(error.sentence) from error
        return socket.socket(family, kind, protocol)

    @property
    def idle(self) -> int:
        """Open connections that nobody uses. aiohttp keeps this number to itself."""
        return sum(
            protocol.is_connected()
            # Copies: another thread may ask while the loop opens and closes connections.
            for kept in list(self._connector._conns.values())
            for protocol, _ in list(kept)
        )

    @property
    def healthy(self) -> bool:
        """Open, and without connections that are taken although nobody holds them."""
        if any(session.closed for session in self._sessions) or self._connector.closed:
            return False
        return len(self._connector._acquired) <= self.in_use

    async def close(self) -> None:
        for session in self._sessions:
            await session.close()
        self._threads.shutdown(wait=False, cancel_futures=True)


def _session(
    connector: aiohttp.TCPConnector, request: type[aiohttp.ClientRequest] = aiohttp.ClientRequest
) -> aiohttp.ClientSession:
    jar: AbstractCookieJar = aiohttp.DummyCookieJar()
    return aiohttp.ClientSession(
        connector=connector,
        request_class=request,
        cookie_jar=jar,
        trust_env=False,
        auto_decompress=False,
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        max_headers=64,
        middlewares=(_send_once,),
    )


async def _send_once(
    request: aiohttp.ClientRequest,
    handler: Callable[[aiohttp.ClientRequest], Awaitable[aiohttp.ClientResponse]],
) -> aiohttp.ClientResponse:
    """Left alone, aiohttp sends GET, PUT and DELETE again after a disconnect, on any connection
    of the pool. Whether to do so is decided in one place, and that is not there."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
        raise Disconnected(str(error)) from error
