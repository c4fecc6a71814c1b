"""The addresses of host names, remembered by polls and at hand for trades.

getaddrinfo blocks a thread. Names that DNS does not answer take all threads of the loop for
seconds, and a trade must not wait for them: it finds the address that the last poll found, or asks
on threads that only trades use.
"""

from __future__ import annotations

import asyncio
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import msgspec
from aiohttp.abc import AbstractResolver, ResolveResult

from accounts.agents.addresses import LOOPBACK_NAMES

REMEMBERED_S = 60
NAMES = 50_000


class Memory(msgspec.Struct):
    """What was resolved last, and until when that is believed."""

    found: dict[tuple[str, int, int], tuple[float, list[ResolveResult]]] = {}

    def recall(self, key: tuple[str, int, int]) -> list[ResolveResult] | None:
        until, results = self.found.get(key, (0.0, []))
        return results if time.monotonic() < until else None

    def keep(self, key: tuple[str, int, int], results: list[ResolveResult]) -> None:
        if len(self.found) >= NAMES:
            del self.found[next(iter(self.found))]
        self.found[key] = (time.monotonic() + REMEMBERED_S, results)


class Resolver(AbstractResolver):
    """Asks the system, on `threads` or those of the loop, and fills `memory`. With `recalls` it
    looks there first. Raises OSError as getaddrinfo does."""

    def __init__(
        self, memory: Memory, threads: ThreadPoolExecutor | None = None, *, recalls: bool = False
    ) -> None:
        self._memory = memory
        self._threads = threads
        self._recalls = recalls

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        key = (host, port, int(family))
        if self._recalls and (known := self._memory.recall(key)) is not None:
            return known
        results = await asyncio.get_running_loop().run_in_executor(
            self._threads, _resolved, host, port, family
        )
        self._memory.keep(key, results)
        return results

    async def close(self) -> None:
        """The threads belong to the pool."""


def _resolved(host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
    # That flag asks for addresses of the kinds that this machine has; loopback alone is none.
    flags = 0 if host in LOOPBACK_NAMES else socket.AI_ADDRCONFIG
    found = socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM, flags=flags)
    return [
        ResolveResult(
            hostname=host,
            host=str(address[0]),
            port=port,
            family=kind,
            proto=protocol,
            flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
        )
        for kind, _, protocol, _, address in found
        if kind in (socket.AF_INET, socket.AF_INET6)
    ]
