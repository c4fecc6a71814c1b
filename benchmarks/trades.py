"""What a trade costs on top of its agent, and how many a desk can send.

The agents are those that users install, on simulated terminals, in a process of their own. "Bare"
is the same call on a connection that stays open, from a client that keeps no row, claims nothing
and proves nothing; the monitor's time is from the click to the settled row: place() and send(),
with every commit. Beside idle: while another process polls 1,000 agents every 5 s, as a worker
does, on the same database and the same cores. DATABASE_URL chooses the database.

"Shown" is until the account has been read again and its rows show the trade, which is when whoever
sent it is answered; of it the agent needs the time of one reading.
"""

import argparse
import contextlib
import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from benchmarks.bench import ROOT, percentiles, process, setup, table, valkey

ACCOUNTS = 69
POLLED = 1000
INTERVAL_S = 5
AT_ONCE = 16
WARM = 20
ADDED = ("polled", "contract", "trades", "", "p50, ms", "p95", "p99", "CPU, ms a trade")
RATES = ("accounts", "threads", "orders", "orders per second", "refused")


# --- the desk -----------------------------------------------------------------------------------
def make_desk(url: str) -> dict[str, list[Any]]:
    """Accounts by contract, each behind its agent, as a first poll makes them."""
    from django.conf import settings

    from accounts import approvals
    from accounts.models import Account, Agent
    from agent.members import derived_secret
    from benchmarks.sweep import sweep
    from trading.models import TradingSwitch

    for index in range(1, ACCOUNTS + 1):
        contract = "1" if index % 2 else "2"
        agent = Agent(name=f"trader-{index}", url=f"{url}/agents/{index}", contract=contract)
        agent.trading_enabled = True
        if contract == "2":
            agent.set_secret(derived_secret("demo", index).decode())
        agent.save()
    approvals.approve_as(Agent.objects.all(), "the benchmark")
    sweep()
    settings.TRADING_ENABLED = True
    TradingSwitch.objects.update_or_create(
        pk=TradingSwitch.PK, defaults={"is_on": True, "instance": settings.INSTANCE_ID}
    )
    accounts = list(Account.objects.select_related("agent").order_by("pk"))
    return {
        contract: [a for a in accounts if a.agent and a.agent.contract == contract]
        for contract in ("1", "2")
    }


def trader() -> Any:
    from django.contrib.auth.models import User

    return User.objects.get_or_create(username="bench", is_superuser=True)[0]


def click(account: Any, user: Any, position: int | None = None, *, shown: bool = False) -> Any:
    """Opens a small position, or closes one; the settled order."""
    from trading import orders, readback
    from trading.identity import new_client_key
    from trading.orders import Instruction

    volume = None if position else Decimal("0.01")
    kind = "close" if position else "open"
    asked = Instruction(kind, "EURUSD", "BUY", volume, position=position)
    send = readback.send if shown else orders.send
    return send(orders.place(account, user, asked, new_client_key()))


def clicks(account: Any, user: Any, count: int, *, shown: bool = False) -> list[float]:
    """Milliseconds of each trade: opened and closed in turn."""
    taken, position = [], None
    for _ in range(count):
        began = time.perf_counter()
        order = click(account, user, position, shown=shown)
        taken.append((time.perf_counter() - began) * 1000)
        assert order.state == "filled", order.reason
        position = None if position else order.position_ticket or order.order_ticket
    return taken


# --- the bare client ----------------------------------------------------------------------------
def bare(account: Any, count: int) -> list[float]:
    """The same trades by a client that only sends; for contract 2 it signs, as it has to."""
    import aiohttp

    from accounts.agents import trade2
    from mt5monitor import loop

    endpoint = account.agent.endpoint()

    async def asked(session: aiohttp.ClientSession, position: int | None) -> int | None:
        if endpoint.contract == "1":
            path = "close" if position else "open"
            what = {"symbol": "EURUSD", "lot": 0.01, "order_type": "BUY"}
            body = json.dumps({"ticket": position} if position else what).encode()
            headers, path = {"Content-Type": "application/json"}, f"/positions/{path}"
        else:
            built = trade2.asked(endpoint.url, endpoint, request_of(account, position), None)
            body, headers, path = built.body, dict(built.headers), built.path
        async with session.post(endpoint.url + path, data=body, headers=headers) as response:
            told = json.loads(await response.read())
            assert response.status == 200, told
            return None if position else int(told.get("ticket") or told["position"])

    async def run() -> list[float]:
        taken, position = [], None
        async with aiohttp.ClientSession() as session:
            for _ in range(count):
                began = time.perf_counter()
                position = await asked(session, position)
                taken.append((time.perf_counter() - began) * 1000)
        return taken

    return loop.run(run())


def request_of(account: Any, position: int | None) -> Any:
    from accounts.agents import TradeRequest
    from trading.identity import new_magic, new_tag

    return TradeRequest(
        kind="close" if position else "open",
        tag=new_tag(),
        magic=new_magic(),
        expected_login=account.number,
        expected_server=account.server,
        expires_at=datetime.now(UTC) + timedelta(seconds=10),
        symbol="EURUSD",
        side="BUY",
        volume=None if position else Decimal("0.01"),
        sl=None,
        tp=None,
        position=position,
        deviation=20,
    )


# --- 1,000 agents polled meanwhile ----------------------------------------------------------------
@contextlib.contextmanager
def polling() -> Iterator[None]:
    """A process of its own, as a worker, on the same database."""
    from accounts.models import Agent

    Agent.objects.update(next_poll_at=datetime.now(UTC) + timedelta(days=1))
    with process("benchmarks.answering", "--delay", "0.05", ready="http") as url:
        interval = {"fixed_interval_s": INTERVAL_S, "interval": timedelta(seconds=INTERVAL_S)}
        now = datetime.now(UTC)
        Agent.objects.bulk_create(
            Agent(
                name=f"polled-{n}",
                url=f"{url}/agents/{n}",
                next_poll_at=now + timedelta(seconds=INTERVAL_S * n / POLLED),
                **interval,
            )
            for n in range(POLLED)
        )
        argv = [sys.executable, "-m", "benchmarks.trades", "--poll"]
        with subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.PIPE) as worker:
            time.sleep(2 * INTERVAL_S)  # until all have been read once
            yield
            worker.terminate()
        Agent.objects.filter(name__startswith="polled-").update(enabled=False)


def poll() -> None:
    import django

    django.setup()
    from accounts import polling

    while True:
        tick = time.monotonic()
        polling.poll_due(reachable=True)
        time.sleep(max(0.0, tick + 1 - time.monotonic()))


# --- what is measured -----------------------------------------------------------------------------
def added(desk: dict[str, list[Any]], user: Any, polled: str, count: int) -> Iterator[list[object]]:
    for contract, accounts in desk.items():
        account = accounts[0]
        direct = measured(lambda account=account: bare(account, count + WARM))  # type: ignore[misc]
        whole = measured(lambda account=account: clicks(account, user, count + WARM))  # type: ignore[misc]
        shown = measured(
            lambda account=account: clicks(account, user, count + WARM, shown=True)  # type: ignore[misc]
        )
        for name, told in (("bare", direct), ("monitor", whole), ("shown", shown)):
            yield [polled, contract, count, name, *told]
        differs = (b - a for a, b in zip(direct, whole, strict=True))
        yield [polled, contract, count, "added", *differs]


def measured(run: Callable[[], list[float]]) -> tuple[float, ...]:
    """The percentiles, and the processor's time of this process."""
    used = time.process_time()
    taken = run()
    cpu = (time.process_time() - used) * 1000 / len(taken)
    return (*percentiles(taken[WARM:]), cpu)


def rate(accounts: list[Any], user: Any, threads: int, seconds: float) -> list[object]:
    """Each thread opens on its accounts, one after the other, and closes what it opened."""
    from django.db import connections

    end = time.perf_counter() + seconds

    def work(mine: list[Any]) -> tuple[int, int]:
        held: dict[int, int] = {}
        done = refused = 0
        for account in itertools.cycle(mine):
            if time.perf_counter() > end:
                connections.close_all()
                return done, refused
            order = click(account, user, held.pop(account.pk, None))
            done, refused = done + (order.state == "filled"), refused + (order.state != "filled")
            if order.kind == "open" and order.state == "filled":
                held[account.pk] = order.position_ticket or order.order_ticket
        return done, refused

    began = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        told = list(pool.map(work, [accounts[n::threads] for n in range(threads)]))
    wall = time.perf_counter() - began
    done = sum(n for n, _ in told)
    return [len(accounts), threads, done, done / wall, sum(n for _, n in told)]


def measure(count: int, seconds: float) -> None:
    argv = ["agent.fleet", "--agents", str(ACCOUNTS), "--port", "0", "--same-shape"]
    with process(*argv, "--secret-seed", "demo", ready=f"{ACCOUNTS} simulated") as line:
        desk, user = make_desk(line.rpartition(" ")[2].rstrip("/")), trader()
        rows = list(added(desk, user, "nothing", count))
        every = [*desk["1"], *desk["2"]]
        rates = [
            rate(desk["2"][:1], user, 1, seconds),
            rate(desk["1"][:1], user, 1, seconds),
            rate(every, user, 1, seconds),
            rate(every, user, AT_ONCE, seconds),
        ]
        with polling():
            rows += added(desk, user, f"{POLLED} agents", count)
    table("A trade, from the click to the settled row", ADDED, rows)
    table("Orders per second (contract 2, contract 1, all)", RATES, rates)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trades", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--poll", action="store_true", help="only poll: for the other process")
    options = parser.parse_args()
    if options.poll:
        poll()
        return
    setup()
    os.environ["TRADING_ENABLED"] = "1"
    with valkey():
        measure(options.trades, options.seconds)


if __name__ == "__main__":
    main()
