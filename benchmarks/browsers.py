"""Many browsers' ends of the live page in one process, as cheap as they can be made.

`python -m benchmarks.browsers --url ws://127.0.0.1:8000/ws/live/ --session KEY --browsers 100
--pages pages.json`: each browser shows one of the lists of account numbers in pages.json. Prints
`ready` when all of them listen, and at the end of its standard input, as JSON, how long each
balance was under way that they got: with `benchmarks.answering --clock` it is its own birthday.
"""

import argparse
import asyncio
import json
import os
import re
import struct
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

BALANCE = re.compile(rb'data-cell=\\"balance\\" data-value=\\"([0-9.]+)\\"')
BEAT = re.compile(rb'"beat":(\d+)')


class Browser:
    """One socket: confirms beats, notes how old each balance is when it comes."""

    def __init__(self, options: argparse.Namespace, rows: Sequence[int]) -> None:
        self._options = options
        self._rows = rows
        self.ages: list[float] = []
        self.rows_bytes = 0
        self.closed = False

    async def open(self) -> None:
        url = urlsplit(self._options.url)
        self._reader, self._writer = await asyncio.open_connection(
            url.hostname, url.port, limit=4 * 2**20
        )
        self._writer.write(
            f"GET {url.path} HTTP/1.1\r\nHost: {url.netloc}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            f"Sec-WebSocket-Version: 13\r\nOrigin: http://{url.netloc}\r\n"
            f"Cookie: session={self._options.session}\r\n\r\n".encode()
        )
        head = await self._reader.readuntil(b"\r\n\r\n")
        assert b" 101 " in head, head
        hello = json.loads(await self._frame())
        assert hello["type"] == "hello", hello
        place = {"epoch": hello["epoch"], "seq": hello["seq"]}
        self._say(json.dumps({"type": "watch", "page": "fleet", "rows": self._rows, **place}))

    async def _frame(self) -> bytes:
        head, length = await self._reader.readexactly(2)
        if length == 126:
            (length,) = struct.unpack("!H", await self._reader.readexactly(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", await self._reader.readexactly(8))
        payload = await self._reader.readexactly(length)
        if head == 0x88:
            raise ConnectionError(f"closed: {payload!r}")
        if head == 0x89:
            self._say(payload.decode("latin1"), 0x8A)
            return await self._frame()
        return payload

    def _say(self, text: str, head: int = 0x81) -> None:
        payload = text.encode("latin1")
        length = len(payload)
        size = struct.pack("!BH", 0x80 | 126, length) if length > 125 else bytes([0x80 | length])
        # Masked with zeros, which leaves the payload as it is.
        self._writer.write(bytes([head]) + size + bytes(4) + payload)

    async def listen(self) -> None:
        try:
            while True:
                payload = await self._frame()
                now = time.monotonic() * 1000
                if payload.startswith(b'{"type":"rows"'):
                    self.rows_bytes += len(payload)
                    self.ages += [now - float(born) for born in BALANCE.findall(payload)]
                elif payload.startswith(b'{"type":"beat"') and (beat := BEAT.search(payload)):
                    self._say(f'{{"type":"ack","beat":{beat[1].decode()}}}')
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            self.closed = True
            print(f"a browser was closed: {error}", file=sys.stderr)


async def run(options: argparse.Namespace) -> None:
    pages = json.loads(Path(options.pages).read_text())
    browsers = [Browser(options, pages[n % len(pages)]) for n in range(options.browsers)]
    for start in range(0, len(browsers), 20):
        await asyncio.gather(*(browser.open() for browser in browsers[start : start + 20]))
    listening = [asyncio.ensure_future(browser.listen()) for browser in browsers]
    print("ready", flush=True)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), ended.set)
    started, used = time.monotonic(), time.process_time()
    for browser in browsers:
        browser.ages.clear()
    await ended.wait()
    wall = time.monotonic() - started
    told = {
        "ages": [age for browser in browsers for age in browser.ages],
        "closed": sum(browser.closed for browser in browsers),
        "rows_mb_s": sum(browser.rows_bytes for browser in browsers) / wall / 1e6,
        "cpu": (time.process_time() - used) / wall,
    }
    print(json.dumps(told), flush=True)
    for task in listening:
        task.cancel()
    os._exit(0)  # a thousand sockets need no polite end


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--session", required=True)
    parser.add_argument("--browsers", type=int, required=True)
    parser.add_argument("--pages", required=True)
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
