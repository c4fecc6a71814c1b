"""The product's own web server, Daphne, in a process of its own on the tests' rows and Valkey."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection
from websockets.asyncio.client import ClientConnection, connect

from tests.live.page import PATIENCE_S

QUICK = {"LIVE_BEAT_S": "0.1", "LIVE_BEHIND_S": "30", "LIVE_UNREAD_BYTES": "200000"}


def database_url() -> str:
    """Of the tests' database, in words that mt5monitor.settings reads."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()


class Served:
    """`settings` are variables of its environment; without any, beats are quick. `options` are
    those of its command line."""

    def __init__(
        self, log: Path, settings: dict[str, str] | None = None, options: Sequence[str] = ()
    ) -> None:
        self.log = log
        self._options = options
        self._settings = QUICK if settings is None else settings
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.origin = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        argv = [sys.executable, "-m", "mt5monitor.web", "-b", "127.0.0.1", "-p", str(self.port)]
        argv += self._options
        env = os.environ | self._settings | {"DATABASE_URL": database_url(), "PORT": str(self.port)}
        env |= {"STATE_DIR": str(settings.STATE_DIR), "PUBLIC_URL": self.origin}
        env["DJANGO_SETTINGS_MODULE"] = "tests.live.settings"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*argv, "mt5monitor.asgi:application"], env=env, stdout=log, stderr=log
            )

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(PATIENCE_S)

    def most_memory(self) -> int:
        """Return the bytes that it had at most since it started."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024

    def freeze(self) -> None:
        """Nothing is answered and no connection ends, as when the network is gone."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """As a crash would: at once. `start` brings it back on the same port."""
        self._process.kill()
        self._process.wait(PATIENCE_S)

    def said(self) -> str:
        """Its log; there is no traceback in it, but for refusals, and no task that was lost."""
        log = self.log.read_text()
        assert log.count("Traceback") == log.count("Forbidden (Permission denied)"), log
        assert "was destroyed" not in log, log
        return log

    async def accepts(self) -> None:
        async with asyncio.timeout(PATIENCE_S * 2):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except OSError:
                    assert self._process.poll() is None, self.log.read_text()
                    await asyncio.sleep(0.02)
                else:
                    writer.close()
                    return

    def connect(self, session: str, origin: str = "") -> connect:
        headers = {"Cookie": f"session={session}"}
        url = f"ws://127.0.0.1:{self.port}/ws/live/"
        return connect(
            url, additional_headers=headers, origin=origin or self.origin, compression=None
        )

    async def deaf(self, session: str, frame: str) -> tuple[asyncio.StreamReader, Any]:
        """A browser that says one frame and never reads: its transport is paused at once."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1024)
        writer.write(
            f"GET /ws/live/ HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            f"Sec-WebSocket-Version: 13\r\nOrigin: {self.origin}\r\n"
            f"Cookie: session={session}\r\n\r\n".encode()
        )
        await reader.readuntil(b"\r\n\r\n")
        payload = frame.encode()
        assert len(payload) < 126
        # Masked with zeros, which leaves the payload as it is.
        writer.write(bytes([0x81, 0x80 | len(payload), 0, 0, 0, 0]) + payload)
        writer.transport.pause_reading()
        return reader, writer


__all__ = ["ClientConnection", "Served"]
