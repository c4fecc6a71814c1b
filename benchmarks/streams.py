"""Programs that listen: from a commit to 500 sockets and 500 streams, and what one of them costs.

`python -m benchmarks.streams [--each 500] [--changes 50]`: a real Daphne and Valkey, one change of
an account at a time, half a second apart and committed in this process; each client notes when it
has the whole event. Sockets, streams and publisher share the cores of this machine.
"""

import argparse
import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from benchmarks import bench

ACCOUNTS = 69
APART_S = 0.5


class Client:
    """Reads whatever comes; notes when each change is there."""

    def __init__(self, port: int, request: str, frame: bytes = b"") -> None:
        self._port, self._request, self._frame = port, request, frame
        self.arrived: dict[bytes, float] = {}
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writer.write(self._request.encode())
        head = await self._reader.readuntil(b"\r\n\r\n")
        assert b" 101 " in head or b" 200 " in head, head
        self._writer.write(self._frame)
        until = b'"subscribed"' if self._frame else b"event: hello"
        said = b""
        while until not in said:
            said += await self._reader.read(4096)
        self._task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        said = b""
        while data := await self._reader.read(65536):
            said = (said + data)[-4000:]
            at = said.rfind(b'"account_name":"')
            name = said[at + 16 : at + 40].split(b'"')[0] if at >= 0 else b""
            if name:
                self.arrived.setdefault(name, time.monotonic())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._writer.close()


def socket_client(port: int, key: str) -> Client:
    request = (
        f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        f"Sec-WebSocket-Version: 13\r\n"
        f"Authorization: Bearer {key}\r\n\r\n"
    )
    payload = b'{"type":"subscribe"}'
    # Masked with zeros, which leaves the payload as it is.
    return Client(port, request, bytes([0x81, 0x80 | len(payload), 0, 0, 0, 0]) + payload)


def stream_client(port: int, key: str) -> Client:
    head = f"GET /events/accounts?interval=1 HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
    return Client(port, f"{head}Authorization: Bearer {key}\r\n\r\n")


@contextmanager
def daphne() -> Iterator[tuple[int, int]]:
    """Its port, and its process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    argv = [sys.executable, "-m", "mt5monitor.web", "-b", "127.0.0.1", "-p", str(port)]
    env = os.environ | {"PORT": str(port), "EVENTS_PER_USER": "100000"}
    argv += ["mt5monitor.asgi:application"]
    child = subprocess.Popen(argv, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield port, child.pid
    finally:
        child.terminate()
        child.wait(10)


def resident(pid: int) -> int:
    """KB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def change(number: int, name: str) -> float:
    """When it was committed, of time.monotonic()."""
    from django.db import transaction

    from accounts.live.publishing import publish_accounts
    from accounts.models import Account

    committed = 0.0

    def note() -> None:
        nonlocal committed
        committed = time.monotonic()

    with transaction.atomic():
        Account.objects.filter(number=number).update(name=name)
        transaction.on_commit(note)
        publish_accounts([number])
    return committed


async def measure(
    make: Callable[[int, str], Client], each: int, changes: int, key: str, numbers: list[int]
) -> list[object]:
    from channels.db import database_sync_to_async

    with daphne() as (port, pid):
        first = make(port, key)
        await first.open()  # what the first one costs is not what each costs
        before = resident(pid)
        clients = [make(port, key) for _ in range(each)]
        began = time.monotonic()
        await asyncio.gather(*(client.open() for client in clients))
        came = time.monotonic() - began
        each_kb = (resident(pid) - before) / each
        waits, missing = [], 0
        for index in range(changes):
            name = f"change {index} {os.urandom(3).hex()}"
            committed = await database_sync_to_async(change)(numbers[index % len(numbers)], name)
            await asyncio.sleep(APART_S if make is socket_client else APART_S + 1)
            for client in clients:
                at = client.arrived.pop(name.encode(), None)
                missing += at is None
                waits += [] if at is None else [(at - committed) * 1000]
        for client in [first, *clients]:
            await client.close()
    p50, p95, p99 = bench.percentiles(waits)
    name = "sockets" if make is socket_client else "streams"
    return [name, each, p50, p95, p99, missing, each_kb, came]


def publishing(numbers: list[int]) -> list[list[object]]:
    """What telling costs whoever commits, ms."""
    from accounts.live import stream
    from accounts.live.publisher import publisher
    from accounts.live.publishing import publish_accounts

    def took(count: int) -> float:
        began = time.perf_counter()
        publish_accounts(numbers[:count])
        took = (time.perf_counter() - began) * 1000
        publisher().drain(10)
        return took

    valkey = stream.connection()
    valkey.flushall()
    rows: list[list[object]] = [["nobody listens", 1, bench.median_of(200, lambda: took(1))]]
    client = stream.KEYS.index(stream.CLIENTS) + 1
    valkey.eval(stream._LISTEN, len(stream.KEYS), *stream.KEYS, stream.new_epoch(), 600, client)
    for count in (1, len(numbers)):
        took(count)
        rows.append(["somebody listens", count, bench.median_of(30, lambda n=count: took(n))])  # type: ignore[misc]
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=500)
    parser.add_argument("--changes", type=int, default=50)
    options = parser.parse_args()
    bench.setup()
    with bench.valkey():
        from django.contrib.auth.models import User

        from accounts.models import Account, ApiToken

        numbers = list(range(1, ACCOUNTS + 1))
        Account.objects.bulk_create(Account(number=number, balance=1) for number in numbers)
        user = User.objects.create_superuser("bench", password=None)
        _, key = ApiToken.issue(user, "bench", timedelta(hours=1))
        bench.table(
            "What telling programs costs a commit",
            ["", "accounts", "ms"],
            publishing(numbers),
        )
        rows = [
            asyncio.run(measure(make, options.each, options.changes, key, numbers))
            for make in (socket_client, stream_client)
        ]
        bench.table(
            "From a commit to programs",
            ["", "clients", "p50 ms", "p95 ms", "p99 ms", "lost", "KB a client", "s to connect"],
            rows,
        )


if __name__ == "__main__":
    main()
