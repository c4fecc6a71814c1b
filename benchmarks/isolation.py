"""How late the polls of healthy agents are while a tenth of the fleet is dead and a tenth hangs.

The real workers and the real beat poll the fleet, every agent every 5 s. Lateness is the time
between two polls of one healthy agent, less those 5 s, as the workers themselves remember it. The
first seconds, in which the bad agents are not yet known as such, are counted too.
"""

import argparse
import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta

from benchmarks.bench import percentiles, process, setup, table, valkey

INTERVAL_S = 5
COLUMNS = (
    "agents",
    "dead and hanging",
    "polls of the others",
    "late by, s: p50",
    "p95",
    "p99",
    "most",
)


@contextlib.contextmanager
def workers() -> Iterator[None]:
    """Beat and the workers of both queues, with the command lines of the stack."""
    from django.conf import settings

    from mt5monitor.stack.environment import BASE_DIR
    from mt5monitor.stack.programs import WORKERS, worker

    beat = [*worker("celery").argv[:5], "beat", "--max-interval", "5", "--loglevel", "ERROR"]
    beat += ["--schedule", str(settings.STATE_DIR / "beat")]
    environment = {**os.environ, "RECENT_POLLS": "10000"}
    children = [
        subprocess.Popen(argv, cwd=BASE_DIR, env=environment, stdout=subprocess.DEVNULL)
        for argv in [beat, *(worker(queue).argv for queue in WORKERS)]
    ]
    try:
        yield
    finally:
        for child in children:
            child.terminate()
        for child in children:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(3)
            child.kill()  # a reconnect may be waited for half a minute
            child.wait()


def lateness(healthy: list[int]) -> list[float]:
    from accounts import poll_log

    late: list[float] = []
    for agent_id in healthy:
        began = sorted(poll.began for poll in poll_log.recent(agent_id, 10_000))
        late += [
            after - before - INTERVAL_S for before, after in zip(began, began[1:], strict=False)
        ]
    return late


def measure(count: int, bad: int, seconds: float) -> list[object]:
    from accounts.models import Agent
    from benchmarks.sweep import make_agents

    options = ["--dead", str(bad), "--hanging", str(bad), "--delay", "0.05"]
    with process("benchmarks.answering", *options, ready="http") as url:
        make_agents(url, count)
        Agent.objects.update(fixed_interval_s=INTERVAL_S, interval=timedelta(seconds=INTERVAL_S))
        with workers():
            time.sleep(seconds)
        agents = Agent.objects.order_by("pk").values_list("pk", flat=True)
        healthy = [pk for index, pk in enumerate(agents) if index % 100 >= 2 * bad]
        late = lateness(healthy)
    return [count, f"{2 * bad} %", len(late), *percentiles(late), max(late)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--agents", type=int, nargs="*", default=(69, 1000))
    options = parser.parse_args()
    setup()
    with valkey():
        rows = [measure(count, bad, options.seconds) for count in options.agents for bad in (0, 10)]
    table("Isolation: how late the others are", COLUMNS, rows)


if __name__ == "__main__":
    main()
