"""From the agent's answer to the row in a browser: the whole way, each hop in its own process.

Agents answer with the moment of their answer as the balance; polling goes on in this process as in
a worker, a fifth of the fleet each second; Daphne serves; browsers note when each balance arrives.
Every change of every row that a browser shows is one sample. All on this machine: the browsers
take their share of its cores too.
"""

import argparse
import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from benchmarks.bench import ROOT, percentiles, process, setup, table, valkey

INTERVAL_S = 5
ON_A_PAGE = 100
CASES = ((69, 100), (1000, 200), (69, 1000))
COLUMNS = (
    "accounts",
    "browsers",
    "samples",
    "under way, ms: p50",
    "p95",
    "p99",
    "most",
    "rows to browsers, MB/s",
    "cores: web",
    "browsers",
)


@contextlib.contextmanager
def web(folder: Path, port: int) -> Iterator[int]:
    """Daphne; gives its process id."""
    argv = [sys.executable, "-m", "mt5monitor.web", "-b", "127.0.0.1", "-p", str(port)]
    env = {**os.environ, "PORT": str(port), "LIVE_SOCKETS_PER_USER": "5000"}
    with (folder / "web.log").open("wb") as log:
        child = subprocess.Popen(
            [*argv, "mt5monitor.asgi:application"], cwd=ROOT, env=env, stdout=log, stderr=log
        )
    try:
        while not listens(port):
            assert child.poll() is None, (folder / "web.log").read_text()
            time.sleep(0.1)
        yield child.pid
    finally:
        child.terminate()
        child.wait(10)


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def session_key() -> str:
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client()
    client.force_login(User.objects.get_or_create(username="bench", is_superuser=True)[0])
    return client.cookies["session"].value


def make_fleet(url: str, count: int) -> None:
    from accounts.models import Agent
    from benchmarks.sweep import make_agents, sweep

    make_agents(url, count)
    interval = timedelta(seconds=INTERVAL_S)
    Agent.objects.update(fixed_interval_s=INTERVAL_S, interval=interval)
    sweep()


def spread_polls() -> None:
    """Evenly over the interval from now on, as those of a fleet that was not started at once."""
    from django.utils import timezone

    from accounts.models import Agent

    start, interval = timezone.now(), timedelta(seconds=INTERVAL_S)
    agents = list(Agent.objects.order_by("pk"))
    for index, agent in enumerate(agents):
        agent.next_poll_at = start + interval * index / len(agents)
    Agent.objects.bulk_update(agents, ["next_poll_at"], batch_size=500)


def poll_for(seconds: float) -> None:
    """A tick a second, as beat and a worker do it."""
    from accounts import polling

    end = time.monotonic() + seconds
    while (tick := time.monotonic()) < end:
        polling.poll_due(reachable=True)
        time.sleep(max(0.0, tick + 1 - time.monotonic()))


def measure(folder: Path, accounts: int, browsers: int, seconds: float) -> list[object]:
    from accounts.models import Account
    from mt5monitor.stack.fleet import free_port

    port = free_port()
    with process("benchmarks.answering", "--clock", "--delay", "0.05", ready="http") as url:
        make_fleet(url, accounts)
        numbers = list(Account.objects.order_by("number").values_list("number", flat=True))
        pages = [numbers[n : n + ON_A_PAGE] for n in range(0, len(numbers), ON_A_PAGE)]
        (folder / "pages.json").write_text(json.dumps(pages))
        with web(folder, port) as pid:
            argv = [sys.executable, "-m", "benchmarks.browsers", "--session", session_key()]
            argv += ["--url", f"ws://127.0.0.1:{port}/ws/live/", "--browsers", str(browsers)]
            argv += ["--pages", str(folder / "pages.json")]
            pipe = subprocess.PIPE
            with subprocess.Popen(argv, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as watching:
                assert watching.stdin is not None
                assert watching.stdout is not None
                assert watching.stdout.readline() == "ready\n"
                spread_polls()
                used, started = cpu_seconds(pid), time.monotonic()
                poll_for(seconds)
                cores = (cpu_seconds(pid) - used) / (time.monotonic() - started)
                watching.stdin.close()
                told = json.loads(watching.stdout.readline())
    if told["closed"]:
        print(f"{told['closed']} browsers were closed", file=sys.stderr)
    ages = told["ages"]
    rates = [told["rows_mb_s"], cores, told["cpu"]]
    return [accounts, browsers, len(ages), *percentiles(ages), max(ages), *rates]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--cases", nargs="*", default=[f"{a}x{b}" for a, b in CASES])
    options = parser.parse_args()
    folder = setup()
    with valkey():
        rows = [
            measure(folder, *map(int, case.split("x")), seconds=options.seconds)
            for case in options.cases
        ]
    table("From the agent's answer to the browser", COLUMNS, rows)


if __name__ == "__main__":
    main()
