"""The cheapest possible agents, so that the monitor is measured and not they.

`python -m benchmarks.answering --delay 0.05`: contract 1 at /agents/<i>/accounts, one asyncio
protocol, no framework. `--dead` and `--hanging`: how many of a hundred agents close at once or
never answer. With `--moving` every answer differs from the one before; with `--clock` the balance
is the moment of the answer, in milliseconds of the machine's monotonic clock.
"""

import argparse
import asyncio
import itertools
import json
import time

ACCOUNT = {
    "account_name": "Bench",
    "status": "connected",
    "days_operating": 3,
    "has_open_position": False,
    "last_updated": "2026-01-05T10:00:00",
    "account_holder": "Bench",
    "prop_firm": "Bench",
    "initial_balance": 100000.0,
}


class Answering(asyncio.Protocol):
    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._balances = itertools.count(100_000)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        index = int(data.split(b" ", 2)[1].split(b"/")[2])
        if index % 100 < self._options.dead:
            self._transport.abort()
        elif index % 100 < self._options.dead + self._options.hanging:
            return
        elif self._options.delay:
            asyncio.get_running_loop().call_later(self._options.delay, self._answer, index)
        else:
            self._answer(index)

    def _answer(self, index: int) -> None:
        balance: float = next(self._balances) if self._options.moving else 100_000
        if self._options.clock:
            balance = round(time.monotonic() * 1000, 2)
        told = ACCOUNT | {"account_number": index + 1, "balance": float(balance)}
        body = json.dumps(told).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        self._transport.write(head.encode() + b"\r\n\r\n" + body)


async def serve(options: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Answering(options), "127.0.0.1", 0, backlog=8192)
    port = server.sockets[0].getsockname()[1]
    print(f"http://127.0.0.1:{port}", flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--dead", type=int, default=0)
    parser.add_argument("--hanging", type=int, default=0)
    parser.add_argument("--moving", action="store_true")
    parser.add_argument("--clock", action="store_true")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
