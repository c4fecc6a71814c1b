"""A real Valkey for tests, on a socket of its own; it can be killed and brought back."""

import contextlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import redis

from mt5monitor.stack.valkey import answers, program

READY_S = 15.0


class PrivateValkey:
    """Listens at `socket`, nowhere else; keeps nothing on disk."""

    def __init__(self, socket: Path) -> None:
        self.url = f"unix://{socket}"
        self._argv = program(socket, socket.parent).argv
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + READY_S
        while not answers(self.url):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("The tests' Valkey did not start")
            time.sleep(0.01)

    def kill(self) -> None:
        """As a crash would: at once, losing everything."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def empty(self) -> None:
        with redis.Redis.from_url(self.url, socket_timeout=READY_S) as client:
            client.flushall()

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """It was killed, and comes back whatever happens meanwhile."""
        self.kill()
        try:
            yield
        finally:
            self.start()

    def restart(self) -> None:
        self.kill()
        self.start()
