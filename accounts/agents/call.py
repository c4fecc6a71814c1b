"""One call to one agent: its requests, their answers, and one deadline over all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import lru_cache

import httpx
import msgspec
from httpx_aiohttp import AiohttpTransport

from accounts.agents import bodies
from accounts.agents.causes import named
from accounts.agents.errors import AgentError, DeadlinePassed, RefusedRequest
from accounts.agents.limits import Limits
from accounts.agents.pool import Dial, Disconnected, Pool, dialling

Headers = Sequence[tuple[str, str]]

NO_HEADERS: Headers = ()
PLAIN: Headers = (
    ("User-Agent", "mt5monitor"),
    ("Accept", "application/json"),
    ("Accept-Encoding", "identity"),
)
REQUEST_TIMEOUT = 408


class Answer(msgspec.Struct, frozen=True):
    status: int
    headers: httpx.Headers
    raw: bytes
    """The body as it was sent."""
    body: bytes
    """The body without its Content-Encoding."""


class Tally(msgspec.Struct):
    """Counts of requests; the statistics of the client are made from them."""

    requests: int = 0
    opened: int = 0
    reused: int = 0


@lru_cache(maxsize=32768)
def target(base: str, path: str) -> httpx.URL:
    """Parsed once for all requests to that place: parsing costs more than a request's headers."""
    return httpx.URL(base.rstrip("/") + path)


class Call:
    """Requests to the agent at `base`. All must be done when `seconds` have passed."""

    def __init__(self, base: str, pool: Pool, limits: Limits, seconds: float, tally: Tally) -> None:
        self.base = base
        self._pool = pool
        self._limits = limits
        self._seconds = seconds
        self._ends_at = asyncio.get_running_loop().time() + seconds
        self._tally = tally
        # Slow by nature, a reconnect of the terminal is silent until it is done.
        read_timeout = seconds if seconds > limits.deadline else limits.read_timeout
        self._timeouts = {
            "connect": limits.connect_timeout,
            "pool": limits.pool_timeout,
            "write": None,  # aiohttp has none; see limits.py
            "read": read_timeout,
        }

    async def send(
        self,
        method: str,
        path: str,
        headers: Callable[[], Headers] = lambda: NO_HEADERS,
        *,
        fresh: bool = False,
    ) -> Answer:
        """The agent's answer, whatever its HTTP status. Raise AgentError.

        A GET that meets a connection which its agent had just closed is sent once more, on a new
        connection; `headers` is asked again for it. Nothing else is ever sent twice. With `fresh`
        the request goes out on a connection of its own, opened for it and closed after it: for
        what must not be lost on a dead one.
        """
        try:
            async with asyncio.timeout_at(self._ends_at):
                return await self._sent(method, path, headers, fresh)
        except TimeoutError as error:
            raise DeadlinePassed(
                f"No complete answer to {method} {path} within {self._seconds:g} s: "
                "the agent or the line to it is too slow."
            ) from error

    async def _sent(
        self, method: str, path: str, headers: Callable[[], Headers], fresh: bool
    ) -> Answer:
        dial = Dial()
        dialling.set(dial)
        transport = self._pool.fresh if fresh else self._pool.keeping
        try:
            answer = await self._exchanged(transport, method, path, headers(), dial)
            if answer.status != REQUEST_TIMEOUT:
                return answer
            stale: Exception = RefusedRequest(f"{method} {path}: HTTP 408", REQUEST_TIMEOUT)
        except AgentError:
            raise
        except Exception as error:
            if not isinstance(error.__cause__, Disconnected):
                raise named(error, dial, self.base) from error
            stale = error
        if method != "GET" or dial.tried:
            raise named(stale, dial, self.base) from stale
        return await self._sent(method, path, headers, fresh=True)

    async def _exchanged(
        self, transport: AiohttpTransport, method: str, path: str, headers: Headers, dial: Dial
    ) -> Answer:
        request = httpx.Request(
            method,
            target(self.base, path),
            headers=[*PLAIN, *headers],
            extensions={"timeout": self._timeouts},
        )
        self._tally.requests += 1
        response = await transport.handle_async_request(request)
        if dial.tried:
            self._tally.opened += 1
        else:
            self._tally.reused += 1
        limit = self._limits.max_body_bytes
        try:
            raw = await bodies.read_body(response, limit)
        finally:
            await response.aclose()
        body = bodies.decoded(raw, response.headers.get("content-encoding", ""), limit)
        return Answer(response.status_code, response.headers, raw, body)
