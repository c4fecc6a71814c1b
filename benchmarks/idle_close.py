"""Polls a real uvicorn that closes connections after 5 s idle, every 4, 5, 6 and 30 s.

    python -m benchmarks.idle_close --seconds 120

Prints, for each interval, how many polls failed, and how many connections were opened for them;
once for the agent client and once for httpx's own pool, which does not send a GET again. All rows
run at the same time. Every agent has a loopback address of its own (127.0.1.n, which Linux has),
for otherwise one agent's connection would be kept warm by the polls of another.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import socket
import time
from collections.abc import Awaitable, Callable
from multiprocessing.process import BaseProcess
from typing import Any

import httpx
import uvicorn

from accounts.agents import AgentClient, AgentError, Endpoint, Limits

INTERVALS = (4.0, 5.0, 6.0, 30.0)
KEEP_ALIVE = 5
BODY = json.dumps({"account_number": 1, "balance": 1.0, "has_open_position": False}).encode()
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY))]

Poll = Callable[[int], Awaitable[bool]]
Row = dict[str, int]
CLIENTS: tuple[str, ...] = ("agent client", "httpx's own")


async def agent(_scope: dict[str, Any], _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": BODY})


def serve(listeners: list[socket.socket]) -> None:
    config = uvicorn.Config(
        agent, log_level="warning", timeout_keep_alive=KEEP_ALIVE, lifespan="off"
    )
    uvicorn.Server(config).run(sockets=listeners)


def started(agents: int) -> tuple[BaseProcess, list[str]]:
    """A uvicorn in a process of its own, and the URL of each agent that it serves."""
    listeners = [socket.create_server(("127.0.1.1", 0))]
    port = listeners[0].getsockname()[1]
    hosts = [f"127.0.1.{number}" for number in range(1, agents + 1)]
    listeners += [socket.create_server((host, port)) for host in hosts[1:]]
    process = multiprocessing.get_context("fork").Process(target=serve, args=(listeners,))
    process.start()
    for listener in listeners:
        listener.close()
    return process, [f"http://{host}:{port}" for host in hosts]


async def swept(poll: Poll, agents: int, interval: float, seconds: float) -> tuple[int, int]:
    """Poll every agent each `interval`, spread evenly over it; the polls made and failed."""
    ends_at = time.monotonic() + seconds
    results: list[bool] = []

    async def one(number: int) -> None:
        at = time.monotonic() + interval * number / agents
        while at < ends_at:
            await asyncio.sleep(at - time.monotonic())
            results.append(await poll(number))
            at += interval

    await asyncio.gather(*(one(number) for number in range(agents)))
    return len(results), results.count(False)


async def with_agent_client(urls: list[str], interval: float, seconds: float) -> Row:
    client = AgentClient(Limits(allowed_networks=("127.0.0.0/8",)))

    async def poll(number: int) -> bool:
        try:
            await client.read(Endpoint(number, "bench", urls[number], "1"))
        except AgentError:
            return False
        return True

    polls, failed = await swept(poll, len(urls), interval, seconds)
    told = client.statistics()
    await client.close()
    return {
        "polls": polls,
        "failed": failed,
        "opened": told.opened,
        "again": told.requests - polls,
    }


async def with_httpx(urls: list[str], interval: float, seconds: float) -> Row:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=75)
    async with httpx.AsyncClient(limits=limits, trust_env=False) as client:

        async def poll(number: int) -> bool:
            try:
                await client.get(f"{urls[number]}/accounts")
            except httpx.HTTPError:
                return False
            return True

        polls, failed = await swept(poll, len(urls), interval, seconds)
    return {"polls": polls, "failed": failed}


async def measured(agents: int, seconds: float) -> None:
    rows = [(interval, name) for interval in INTERVALS for name in CLIENTS]
    servers = [started(agents) for _ in rows]
    try:
        await asyncio.sleep(2)
        found = await asyncio.gather(
            *(
                (with_agent_client if name == CLIENTS[0] else with_httpx)(urls, interval, seconds)
                for (interval, name), (_, urls) in zip(rows, servers, strict=True)
            )
        )
    finally:
        for process, _ in servers:
            process.terminate()
            process.join(10)
    print(f"{agents} agents, uvicorn closing after {KEEP_ALIVE} s, {seconds:g} s")
    print(f"{'every':>6}  {'client':<13}{'polls':>7}{'failed':>8}{'opened':>8}{'sent again':>12}")
    for (interval, name), row in zip(rows, found, strict=True):
        opened, again = row.get("opened", "-"), row.get("again", "-")
        counts = f"{row['polls']:>7}{row['failed']:>8}{opened:>8}{again:>12}"
        print(f"{interval:>4g} s  {name:<13}{counts}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=120, help="how long (120)")
    parser.add_argument("--agents", type=int, default=60, help="for each row, 250 at most (60)")
    options = parser.parse_args()
    asyncio.run(measured(options.agents, options.seconds))
