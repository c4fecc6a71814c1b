"""The client of a process: slots, statistics, and a pool that is replaced when it fails."""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import lru_cache, partial
from types import ModuleType
from typing import TypeVar

from accounts.agents import deals, once, symbols, trade2, v1, v2
from accounts.agents.addresses import check_url, networks
from accounts.agents.call import LONG_READINGS, Call, Tally
from accounts.agents.errors import AddressNotAllowed, AgentError, NotSent
from accounts.agents.limits import Limits
from accounts.agents.once import Expiry
from accounts.agents.pool import Pool
from accounts.agents.readings import Endpoint, Reading
from accounts.agents.slots import Slots
from accounts.agents.statistics import PoolStatistics
from accounts.agents.symbols import SymbolSpec
from accounts.agents.trades import DealsReading, OrderRecord, TradeAnswer, TradeRequest
from mt5monitor import loop

log = logging.getLogger(__name__)

T = TypeVar("T")
CONTRACTS: dict[str, ModuleType] = {"1": v1, "2": v2}


@lru_cache(maxsize=32768)
def _refusal(url: str, allowed: tuple[str, ...]) -> str:
    """Why `url` may not be called, or nothing: agents are polled for days under the same URL."""
    try:
        check_url(url, allowed)
    except AddressNotAllowed as error:
        return error.sentence
    return ""


class AgentClient:
    """Reads agents. One a process, on one event loop; every method but `statistics` runs there.

    Every failure of an agent or of the way to it is raised as an AgentError. `tls` replaces the
    system's certificate authorities.
    """

    def __init__(self, limits: Limits | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.limits = limits or Limits.from_settings()
        self.closed = False
        self._networks = networks(self.limits.allowed_networks)
        self._tls = tls or ssl.create_default_context()
        self._pool: Pool | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._slots = Slots(self.limits.max_concurrency, "AGENT_MAX_CONCURRENCY")
        self._trade_slots = Slots(self.limits.trade_concurrency, "AGENT_TRADE_CONCURRENCY")
        self._long = Slots(self.limits.long_readings, LONG_READINGS)
        self._tally = Tally()
        self._errors: Counter[str] = Counter()
        self._since = datetime.now(UTC)
        self._checks = 0
        self._recreated = 0
        self._checking: asyncio.Task[None] | None = None
        self._retiring: dict[asyncio.Task[None], Pool] = {}

    async def read(self, endpoint: Endpoint, *, patient: bool = False) -> Reading | None:
        """What the agent says now; None when it says that nothing changed since endpoint.etag.

        `patient`: wait for a slot as long as it takes, for work that is bounded by the fleet and
        has nobody who waits for it; otherwise PoolTimedOut is raised after pool_timeout.
        """
        patience = None if patient else self.limits.pool_timeout
        reading: Reading | None = await self._call(
            endpoint, _contract(endpoint).read, self.limits.deadline, patience
        )
        return reading

    async def refresh(self, endpoint: Endpoint, *, patient: bool = False) -> None:
        """Have the agent reconnect its terminal. Sent once, whatever happens."""
        patience = None if patient else self.limits.pool_timeout
        ask = _contract(endpoint).refresh
        await self._call(endpoint, ask, self.limits.refresh_deadline, patience)

    async def ping(self, endpoint: Endpoint) -> str:
        """One sentence saying who answers there, for a person who tests a connection."""
        sentence: str = await self._asked(endpoint, _contract(endpoint).ping)
        return sentence

    async def trade(
        self, endpoint: Endpoint, request: TradeRequest, spec: SymbolSpec | None = None
    ) -> TradeAnswer:
        """Send one order, written at most once, on a connection of its own, within its time.

        Raise NotSent when it is proven that nothing was executed and nothing will be. Everything
        else that is known is in the answer: whatever else is raised here, a cancellation too, means
        that the outcome is unknown. `spec` is for contract 1, which takes SL and TP in pips.
        """
        try:
            expiry = Expiry(request.expires_at)
            ask = partial(once.trade, request=request, spec=spec, expiry=expiry)
            patience = min(self.limits.pool_timeout, expiry.left())
            answer = await self._call(
                endpoint, ask, self.limits.trade_deadline, patience, self._trade_slots
            )
        except NotSent:
            raise
        except AgentError as error:
            # once.trade lets nothing but NotSent through: this is from before it.
            raise NotSent(f"{error.sentence} Nothing was sent.", error) from error
        if answer.outcome == "unknown":
            self._errors["outcome-unknown"] += 1
        return answer

    async def order_record(self, endpoint: Endpoint, tag: str) -> OrderRecord:
        """What became of an order, by the agent's own journal. Contract 2 only."""
        if endpoint.contract != "2":
            raise ValueError(f"{endpoint.name}: only contract 2 keeps a journal of orders")
        return await self._asked(endpoint, partial(trade2.record, tag=tag))

    async def symbol(self, endpoint: Endpoint, name: str) -> SymbolSpec:
        """The specification of a symbol and its last quote. Raise SymbolUnknown."""
        _contract(endpoint)
        return await self._asked(endpoint, partial(symbols.read, name=name))

    async def deals(self, endpoint: Endpoint, since: datetime, until: datetime) -> DealsReading:
        """The history between two aware times; see deals.read for what contract 1 lacks."""
        _contract(endpoint)
        return await self._asked(endpoint, partial(deals.read, since=since, until=until))

    def statistics(self) -> PoolStatistics:
        return PoolStatistics(
            requests=self._tally.requests,
            opened=self._tally.opened,
            reused=self._tally.reused,
            in_use=self._slots.in_use + self._trade_slots.in_use,
            waiting=self._slots.waiting + self._trade_slots.waiting,
            idle=self._pool.idle if self._pool else 0,
            errors=dict(self._errors),
            since=self._since,
            checks=self._checks,
            recreated=self._recreated,
        )

    async def check(self) -> bool:
        """Return whether the pool is in order, and replace one that is not at once; calls that run
        on it end on it. Called every `limits.check_every` seconds while there is a pool."""
        self._checks += 1
        if self._pool is None or self._pool.healthy:
            return True
        log.warning("agent client: the connections of this process failed a check: replaced")
        self._replace()
        return False

    async def _check_regularly(self) -> None:
        while True:
            await asyncio.sleep(self.limits.check_every)
            await self.check()

    async def close(self) -> None:
        """Close every connection. The client is not used again: `client()` makes another."""
        self.closed = True
        if self._checking is not None:
            self._checking.cancel()
        pools = [*self._retiring.values(), *filter(None, [self._pool])]
        self._pool = None
        for task in list(self._retiring):
            task.cancel()
        for pool in pools:
            await pool.close()

    async def _asked(self, endpoint: Endpoint, ask: Callable[[Call, Endpoint], Awaitable[T]]) -> T:
        """For a person who waits."""
        return await self._call(endpoint, ask, self.limits.deadline, self.limits.pool_timeout)

    async def _call(
        self,
        endpoint: Endpoint,
        ask: Callable[[Call, Endpoint], Awaitable[T]],
        seconds: float,
        patience: float | None,
        slots: Slots | None = None,
    ) -> T:
        """`ask` in a slot, waited for at most `patience` seconds, its error counted."""
        try:
            if refusal := _refusal(endpoint.url, self.limits.allowed_networks):
                raise AddressNotAllowed(refusal)
            async with (slots or self._slots).taken(patience):
                with self._current().held() as pool:
                    call = Call(endpoint.url, pool, self.limits, seconds, self._tally, self._long)
                    return await ask(call, endpoint)
        except AgentError as error:
            self._errors[error.code] += 1
            raise

    def _current(self) -> Pool:
        """The pool of the running loop, made on first use and whenever the loop is another."""
        running = asyncio.get_running_loop()
        if self._pool is None or self._loop is not running:
            self._pool = Pool(self.limits, self._networks, self._tls)
        if self._loop is not running:
            self._loop = running
            self._checking = running.create_task(self._check_regularly())
        return self._pool

    def _replace(self) -> None:
        old, self._pool = self._pool, None
        self._recreated += 1
        if old is not None:
            task = asyncio.get_running_loop().create_task(self._retire(old))
            self._retiring[task] = old
            task.add_done_callback(self._retiring.pop)

    async def _retire(self, pool: Pool) -> None:
        """Close `pool` when its last call has ended, at the latest when all have timed out."""
        limits = self.limits
        patience = max(limits.deadline, limits.refresh_deadline, limits.trade_deadline)
        try:
            await asyncio.wait_for(pool.unused.wait(), patience)
        except TimeoutError:
            log.warning("agent client: closing a pool that still had %s calls", pool.in_use)
        finally:
            await pool.close()


def _contract(endpoint: Endpoint) -> ModuleType:
    """Raise ValueError for a contract that there is not: a mistake of ours, not of the agent."""
    if endpoint.contract not in CONTRACTS:
        raise ValueError(f"{endpoint.name}: there is no contract {endpoint.contract!r}")
    return CONTRACTS[endpoint.contract]


_lock = threading.Lock()
_client: AgentClient | None = None
_pid = 0


def client() -> AgentClient:
    """The client of this process, from any thread: use it on the background loop.

    Made on first use, again in a forked child, and again after it was closed; closed when the
    background loop stops.
    """
    global _client, _pid
    with _lock:
        if _client is None or _client.closed or _pid != os.getpid():
            _client, _pid = AgentClient(), os.getpid()
            loop.on_stop(_client.close)
        return _client


def pool_statistics() -> PoolStatistics | None:
    """Return what the pool of this process has done; None when it has called no agent yet."""
    with _lock:
        current = _client if _client is not None and _pid == os.getpid() else None
    return None if current is None else current.statistics()


def _new_lock() -> None:
    """Another thread of the parent may have held it at the moment of the fork."""
    global _lock
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_new_lock)
