"""The way from the monitor to its agents within one process, where every fate of a request can be
chosen: refused, lost, delivered late, its answer lost or garbled, its sender dead meanwhile.

All but the sockets is real: the client's own code on one side, the agents' application on the
other. Takes the place of the client's `Pool`.
"""

import asyncio
import concurrent.futures
import contextlib
import queue
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

import httpx

from accounts.agents.errors import ConnectionRefused
from accounts.agents.pool import Disconnected, Pool, dialling
from agent.fleet import Fleet, Nuisance
from agent.server import ABORT
from mt5monitor import loop
from tests.venue import Venue

T = TypeVar("T")
Fate = Literal["arrives", "refused", "lost", "unheard", "late", "garbled"]
Asked = tuple[Callable[[], object], "concurrent.futures.Future[None]"]
HOST = "http://127.0.0.1:8"
PATIENCE_S = 60.0
# Of the order whose request it is; the loop's tasks inherit it from the thread that submits them.
under_way: ContextVar[int] = ContextVar("under_way")
_inbox: "ContextVar[queue.SimpleQueue[Asked | None]]" = ContextVar("_inbox")


class Way(httpx.AsyncBaseTransport):
    """One of the three sets of connections of a pool."""

    def __init__(self, carry: Callable[[httpx.Request], Coroutine[Any, Any, httpx.Response]]):
        self.carry = carry

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self.carry(request)


class Line(Pool):
    """`stop` is called, in the thread that waits for the answer, at each boundary of a request, and
    may raise: then that thread is dead to the request, which goes its way all the same.

    `written`: the order of every trade that was written, in turn. `calls`: by order, the numbers of
    the calls of `order_send` that it led to. `afoot`: requests that are still on their way.
    """

    def __init__(self, venue: Venue, stop: Callable[[], None], wrote: Callable[[int], None]):
        self.app = Fleet(venue.members, Nuisance(), control=True)
        self.ledger = venue.members[0].terminal.world.venue.ledger
        self.stop, self.wrote = stop, wrote
        self.keeping = self.fresh = Way(self._read)  # type: ignore[assignment]
        self.once = Way(self._trade)  # type: ignore[assignment]
        self.in_use, self.unused = 0, asyncio.Event()
        self.fate: Fate = "arrives"
        self.written: list[int] = []
        self.calls: dict[int, list[int]] = {}
        self.afoot: list[tuple[int, httpx.Request]] = []

    healthy = True

    async def close(self) -> None:
        """Nothing is open."""

    # --- in the thread that waits ---------------------------------------------------------------
    def run(self, coro: Coroutine[Any, Any, T], timeout: float | None = None) -> T:
        """In place of `loop.run`: the thread that waits does what it is asked to meanwhile."""
        inbox: queue.SimpleQueue[Asked | None] = queue.SimpleQueue()
        token = _inbox.set(inbox)
        future = loop.submit(coro)
        _inbox.reset(token)
        future.add_done_callback(lambda _: inbox.put(None))
        while (asked := inbox.get(timeout=PATIENCE_S)) is not None:
            act, done = asked
            try:
                act()
            except BaseException:
                future.cancel()
                raise
            done.set_result(None)
        return future.result()

    def deliver(self) -> None:
        """What was held up arrives now; nobody waits for its answer."""
        afoot, self.afoot = self.afoot, []
        for order, request in afoot:
            with contextlib.suppress(Disconnected):
                loop.run(self._arrive(order, request))

    # --- on the loop ----------------------------------------------------------------------------
    async def _in_thread(self, act: Callable[[], object]) -> None:
        done: concurrent.futures.Future[None] = concurrent.futures.Future()
        _inbox.get().put((act, done))
        await asyncio.wrap_future(done)

    async def _read(self, request: httpx.Request) -> httpx.Response:
        dialling.get().tried += 1
        return await answered(self.app, request)

    async def _trade(self, request: httpx.Request) -> httpx.Response:
        dial, order = dialling.get(), under_way.get()
        fate, self.fate = self.fate, "arrives"
        dial.tried += 1
        await self._in_thread(self.stop)
        if fate == "refused":
            raise ConnectionRefused("Nothing listens there.")
        assert dial.admit is not None
        dial.admit()
        dial.written = True
        self.written.append(order)
        self.afoot.append((order, request))
        await self._in_thread(lambda: self.wrote(order))
        await self._in_thread(self.stop)
        if fate == "late":
            raise Disconnected("held up")
        on_its_way = (order, request) in self.afoot
        if on_its_way:
            self.afoot.remove((order, request))
        if fate == "lost" or not on_its_way:
            raise Disconnected("lost")
        response = await self._arrive(order, request)
        await self._in_thread(self.stop)
        if fate == "unheard":
            raise Disconnected("cut")
        if fate == "garbled":
            return httpx.Response(502, stream=httpx.ByteStream(b"<h1>Bad gateway"))
        return response

    async def _arrive(self, order: int, request: httpx.Request) -> httpx.Response:
        before = len(self.ledger.entries)
        try:
            return await answered(self.app, request)
        finally:
            new = self.ledger.entries[before:]
            numbers = [entry["number"] for entry in new if entry["kind"] == "send"]
            self.calls.setdefault(order, []).extend(numbers)


async def answered(app: Fleet, request: httpx.Request) -> httpx.Response:
    """What the application answers. Raises Disconnected when it drops the connection."""
    gone, pending = asyncio.Event(), [request.content]
    told: dict[str, Any] = {"body": b""}

    async def receive() -> dict[str, Any]:
        if pending:
            return {"type": "http.request", "body": pending.pop(), "more_body": False}
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        told["body"] += message.get("body", b"")
        told.update({key: message[key] for key in ("status", "headers") if key in message})

    await app(scope_of(request) | {ABORT: gone.set}, receive, send)
    if gone.is_set() or "status" not in told:
        raise Disconnected("dropped")
    body = httpx.ByteStream(told["body"])
    return httpx.Response(told["status"], headers=told["headers"], stream=body)


def scope_of(request: httpx.Request) -> dict[str, Any]:
    parts = urlsplit(str(request.url))
    return {
        "type": "http",
        "method": request.method,
        "path": request.url.path,
        "raw_path": request.url.raw_path.partition(b"?")[0],
        "query_string": parts.query.encode(),
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "root_path": "",
    }
