"""One call to one agent: its requests, their answers, and one deadline over all of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import lru_cache

import httpx
import msgspec
from httpx_aiohttp import AiohttpTransport

from accounts.agents import bodies
from accounts.agents.bodies import Bound
from accounts.agents.causes import named
from accounts.agents.errors import AgentError, DeadlinePassed, PoolTimedOut, RefusedRequest
from accounts.agents.limits import Limits
from accounts.agents.pool import Dial, Disconnected, Pool, dialling
from accounts.agents.slots import Slots

Headers = Sequence[tuple[str, str]]

NO_HEADERS: Headers = ()
PLAIN: Headers = (
    ("User-Agent", "mt5monitor"),
    ("Accept", "application/json"),
    ("Accept-Encoding", "identity"),
)
REQUEST_TIMEOUT = 408
LONG_READINGS = "AGENT_LONG_READINGS"


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

    def __init__(
        self,
        base: str,
        pool: Pool,
        limits: Limits,
        seconds: float,
        tally: Tally,
        long: Slots | None = None,
    ) -> None:
        """`long`: places for answers beyond limits.max_body_bytes, shared by all calls."""
        self.base = base
        self._long = long or Slots(limits.long_readings, LONG_READINGS)
        self._pool = pool
        self.limits = limits
        self._seconds = seconds
        self._ends_at = asyncio.get_running_loop().time() + seconds
        self._tally = tally
        # Slow by nature, a reconnect of the terminal is silent until it is done.
        read_timeout = seconds if seconds > limits.deadline else limits.read_timeout
        # There is none for writing; see limits.py.
        self._timeouts = {
            "connect": limits.connect_timeout,
            "pool": limits.pool_timeout,
            "read": read_timeout,
        }

    async def send(
        self,
        method: str,
        path: str,
        headers: Callable[[], Headers] = lambda: NO_HEADERS,
        *,
        fresh: bool = False,
        most: int = 0,
    ) -> Answer:
        """The agent's answer, whatever its HTTP status. Raise AgentError.

        `most` bytes of it are taken, instead of what the limits say, where it is by nature long.

        A GET that meets a connection which its agent had just closed is sent once more, on a new
        connection; `headers` is asked again for it. Nothing else is ever sent twice. With `fresh`
        the request goes out on a connection of its own, opened for it and closed after it: for
        what must not be lost on a dead one.
        """
        async with self._deadline(f"{method} {path}"):
            return await self._sent(method, path, headers, fresh, most)

    async def send_once(
        self,
        method: str,
        path: str,
        headers: Headers,
        body: bytes,
        dial: Dial,
        connect_seconds: float,
    ) -> Answer:
        """The agent's answer, whatever its HTTP status, to a request that is written at most once,
        on a connection of its own. Raise AgentError.

        `dial` tells, also while and after this fails, whether anything may have left, and what of
        an answer came.
        """
        timeouts = {"connect": connect_seconds, "pool": connect_seconds, "read": self._seconds}
        request = self._request(method, path, headers, body, timeouts)
        dialling.set(dial)
        async with self._deadline(f"{method} {path}"):
            try:
                return await self._exchanged(self._pool.once, request, dial)
            except Exception as error:
                raise named(error, dial, self.base) from error

    @asynccontextmanager
    async def _deadline(self, what: str) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout_at(self._ends_at):
                yield
        except TimeoutError as error:
            raise DeadlinePassed(
                f"No complete answer to {what} within {self._seconds:g} s: "
                "the agent or the line to it is too slow."
            ) from error

    async def _sent(
        self, method: str, path: str, headers: Callable[[], Headers], fresh: bool, most: int
    ) -> Answer:
        dial = Dial()
        dialling.set(dial)
        transport = self._pool.fresh if fresh else self._pool.keeping
        try:
            request = self._request(method, path, headers(), b"", self._timeouts)
            answer = await self._exchanged(transport, request, dial, most)
            dial.heard = []  # the answer has it
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
        return await self._sent(method, path, headers, True, most)

    def _request(
        self, method: str, path: str, headers: Headers, body: bytes, timeouts: dict[str, float]
    ) -> httpx.Request:
        return httpx.Request(
            method,
            target(self.base, path),
            headers=[*PLAIN, *headers],
            content=body or None,
            extensions={"timeout": timeouts},
        )

    async def _exchanged(
        self, transport: AiohttpTransport, request: httpx.Request, dial: Dial, most: int = 0
    ) -> Answer:
        self._tally.requests += 1
        response = await transport.handle_async_request(request)
        if dial.tried:
            self._tally.opened += 1
        else:
            self._tally.reused += 1
        dial.status = response.status_code
        try:
            async with AsyncExitStack() as held:
                raw, body = await self._read(response, dial, most, held)
        finally:
            await response.aclose()
        return Answer(response.status_code, response.headers, raw, body)

    async def _read(
        self, response: httpx.Response, dial: Dial, most: int, held: AsyncExitStack
    ) -> tuple[bytes, bytes]:
        """The body as it came, and unpacked. A long one has a place in `held` until it is whole:
        whoever asked for it parses it then before anything else is read."""
        short = self.limits.max_body_bytes
        bound = Bound(most, "AGENT_MAX_READING_BYTES") if most > short else Bound(short)
        encoding = response.headers.get("content-encoding", "")

        async def is_long() -> None:
            try:
                await held.enter_async_context(self._long.taken(self.limits.pool_timeout))
            except PoolTimedOut as error:
                raise PoolTimedOut(
                    f"The answer is long, and {self.limits.long_readings} long ones were being "
                    f"read for {self.limits.pool_timeout:g} s. Raise {LONG_READINGS}."
                ) from error

        if bodies.is_packed(encoding) and bound.limit > short:
            await is_long()
            short = bound.limit
        raw = await bodies.read_body(response, bound, dial.heard, short, is_long)
        return raw, bodies.decoded(raw, encoding, bound)
