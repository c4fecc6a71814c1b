"""How long a sweep of the whole fleet takes, and what it costs.

Each line: agents polled once through claim, client, database and Valkey, warm connections, the
median of several sweeps; beside it the same requests by a bare client on the same transport, which
neither parses, writes nor remembers anything. CPU is that of the monitor's process alone.
"""

import argparse
import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from benchmarks.bench import median_of, process, setup, table, valkey

SIZES = (69, 1000, 5000)
COLUMNS = (
    "agents",
    "answer after, ms",
    "figures",
    "sweep, s",
    "bare client, s",
    "CPU s a 1,000 polls",
    "bare client",
    "queries",
    "connections opened",
)


def make_agents(url: str, count: int) -> None:
    from accounts.models import Account, Agent

    Account.objects.all().delete()
    Agent.objects.all().delete()
    # Due when a sweep says so, and never again while it runs.
    hour = {"fixed_interval_s": 3600, "interval": timedelta(hours=1)}
    Agent.objects.bulk_create(
        Agent(name=f"agent-{index}", url=f"{url}/agents/{index}", **hour) for index in range(count)
    )


def sweep() -> int:
    """Everybody due, polled once; in claims of POLL_BATCH as in production."""
    from django.utils import timezone

    from accounts import polling
    from accounts.models import Agent

    Agent.objects.update(next_poll_at=timezone.now())
    return sum(iter(lambda: polling.poll_due(reachable=True), 0))


def cost(run: Callable[[], Any], runs: int) -> tuple[float, float]:
    """Median wall and CPU seconds."""
    cpu: list[float] = []

    def timed() -> float:
        wall, used = time.perf_counter(), time.process_time()
        run()
        cpu.append(time.process_time() - used)
        return time.perf_counter() - wall

    wall = median_of(runs, timed)
    return wall, sorted(cpu)[len(cpu) // 2]


def bare(url: str, count: int) -> Callable[[], None]:
    """The same GETs, 500 at once, on a pool that stays open between calls."""
    import httpx
    from aiohttp import ClientSession, TCPConnector
    from httpx_aiohttp import AiohttpTransport

    from mt5monitor import loop

    async def make() -> httpx.AsyncClient:
        session = ClientSession(connector=TCPConnector(limit=0, keepalive_timeout=75))
        return httpx.AsyncClient(transport=AiohttpTransport(client=session), timeout=30)

    client = loop.run(make())
    loop.on_stop(client.aclose)

    async def ask_all() -> None:
        gate = asyncio.Semaphore(500)

        async def ask(index: int) -> None:
            async with gate:
                await client.get(f"{url}/agents/{index}/accounts")

        await asyncio.gather(*(ask(index) for index in range(count)))

    return lambda: loop.run(ask_all())


def measure(count: int, delay: float, moving: bool, runs: int) -> list[object]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from accounts import agents

    options = ["--delay", str(delay), *(["--moving"] if moving else [])]
    with process("benchmarks.answering", *options, ready="http") as url:
        make_agents(url, count)
        assert sweep() == count
        opened = agents.client().statistics().opened
        wall, cpu = cost(sweep, runs)
        opened = agents.client().statistics().opened - opened
        with CaptureQueriesContext(connection) as queries:
            sweep()
        ask = bare(url, count)
        ask()
        bare_wall, bare_cpu = cost(ask, runs)
    figures = "all change" if moving else "none changes"
    scale = 1000 / count
    return [
        count,
        int(delay * 1000),
        figures,
        wall,
        bare_wall,
        cpu * scale,
        bare_cpu * scale,
        len(queries),
        opened,
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--agents", type=int, nargs="*", default=SIZES)
    options = parser.parse_args()
    setup()
    with valkey():
        rows = [
            measure(count, delay, moving, options.runs)
            for count in options.agents
            for delay in (0, 0.05)
            for moving in (False, True)
        ]
    table("A sweep of the fleet", COLUMNS, rows)


if __name__ == "__main__":
    main()
