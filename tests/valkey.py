"""A real Valkey for tests, on a socket of its own or on another host; it can be killed and brought
back."""

import contextlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import redis

from mt5monitor.stack.valkey import answers, binary, program
from tests.namespaces import Host

READY_S = 15.0
PASSWORD = "of-the-tests-alone"


class PrivateValkey:
    """Listens at `socket`, nowhere else; keeps nothing on disk."""

    def __init__(self, socket: Path) -> None:
        self.url = f"unix://{socket}"
        self._argv = program(socket, socket.parent).argv
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = self._begin()
        deadline = time.monotonic() + READY_S
        while not answers(self.url):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("The tests' Valkey did not start")
            time.sleep(0.01)

    def _begin(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(self._argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        """As a crash would: at once, losing everything."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def client(self) -> redis.Redis:
        """Return a new client; it is closed as a context."""
        return redis.Redis.from_url(self.url, socket_timeout=READY_S)

    def empty(self) -> None:
        with self.client() as client:
            client.flushall()

    def empty_but(self, prefix: str) -> None:
        """Keys that begin with it stay."""
        with self.client() as client:
            for key in list(client.scan_iter()):
                if not key.startswith(prefix.encode()):
                    client.delete(key)

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


class DistantValkey(PrivateValkey):
    """On another host, with a password; it goes with that host."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self.url = f"redis://:{PASSWORD}@{host.address}:6379/0"
        listen = ["--bind", host.address, "--port", "6379", "--requirepass", PASSWORD]
        kept = ["--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction"]
        self._argv = [str(binary()), *listen, *kept]
        self._process = None

    def _begin(self) -> "subprocess.Popen[bytes]":
        quiet = subprocess.DEVNULL
        return self._host.start(self._argv, stdout=quiet, stderr=quiet, cwd="/")
