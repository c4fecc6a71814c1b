"""What `GET /api/accounts` costs programs: a real Daphne, tokens, connections that stay open.

Each caller asks again as soon as it was answered. "304": it has them already, and says so.
"""

import argparse
import http.client
import os
import threading
import time
from datetime import timedelta

from benchmarks.bench import percentiles, setup, table, valkey
from benchmarks.live import web
from benchmarks.page import make_accounts

SIZES = (69, 1000)
CALLERS = (1, 8)
COLUMNS = ("accounts", "callers", "", "KB", "requests per second", "p50, ms", "p95", "p99")


class Caller(threading.Thread):
    """`conditional`: it sends the ETag that it was given."""

    def __init__(self, port: int, key: str, end: float, *, conditional: bool) -> None:
        super().__init__(daemon=True)
        self.port, self.key, self.end, self.conditional = port, key, end, conditional
        self.times: list[float] = []
        self.statuses: set[int] = set()
        self.size = 0

    def run(self) -> None:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Authorization": f"Bearer {self.key}"}
        while time.perf_counter() < self.end:
            begun = time.perf_counter()
            line.request("GET", "/api/accounts", headers=headers)
            answer = line.getresponse()
            body = answer.read()
            self.times.append((time.perf_counter() - begun) * 1000)
            if self.conditional and answer.status == 200:
                headers["If-None-Match"] = answer.headers["ETag"]
                self.times.clear()
                self.statuses.clear()
                continue
            self.statuses.add(answer.status)
            self.size = len(body)
        line.close()


def measure(port: int, keys: list[str], seconds: float, *, conditional: bool) -> list[object]:
    begun = time.perf_counter()
    callers = [Caller(port, key, begun + seconds, conditional=conditional) for key in keys]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    wall = time.perf_counter() - begun
    (status,) = set.union(*(caller.statuses for caller in callers))
    times = [one for caller in callers for one in caller.times]
    size = callers[0].size / 1024
    return [len(keys), status, size, len(times) / wall, *percentiles(times)]


def keys(count: int) -> list[str]:
    from django.contrib.auth.models import User

    from accounts.models import ApiToken

    user = User.objects.get_or_create(username="bench", is_superuser=True)[0]
    return [ApiToken.issue(user, f"caller {n}", timedelta(hours=1))[1] for n in range(count)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=6)
    options = parser.parse_args()
    os.environ["API_REQUESTS_PER_MINUTE"] = "1000000"
    folder = setup()
    from mt5monitor.stack.fleet import free_port

    rows: list[list[object]] = []
    with valkey():
        for size in SIZES:
            make_accounts(size)
            port = free_port()
            with web(folder, port):
                for count in CALLERS:
                    for conditional in (False, True):
                        told = measure(port, keys(count), options.seconds, conditional=conditional)
                        rows.append([size, *told])
    table("GET /api/accounts", COLUMNS, rows)


if __name__ == "__main__":
    main()
