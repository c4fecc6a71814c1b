"""Programs' ends of sockets and streams, and what changes under them."""

import asyncio
import json
import secrets
import zlib
from typing import Any

import pytest
from channels.db import database_sync_to_async as threaded
from django.db import transaction
from django.utils import timezone
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from accounts.live.publisher import publisher
from accounts.live.publishing import publish_accounts
from accounts.models import Account
from tests.live.page import PATIENCE_S
from tests.live.served import Served


def write(number: int, **columns: Any) -> None:
    """As a poll or an edit does, in one transaction; and wait until it is published."""
    with transaction.atomic():
        Account.objects.filter(number=number).update(changed_at=timezone.now(), **columns)
        publish_accounts([number])
    assert publisher().drain(PATIENCE_S)


def write_many(numbers: list[int], times: int) -> None:
    for time in range(times):
        with transaction.atomic():
            # Long, so that few of them fill the buffers of a connection.
            name = secrets.token_hex(50)
            Account.objects.filter(number__in=numbers).update(balance=time, name=name)
            publish_accounts(numbers)
        assert publisher().drain(PATIENCE_S)


change = threaded(write)
change_many = threaded(write_many)


def socket(
    served: Served, key: str = "", session: str = "", origin: str = "", path: str = "/ws"
) -> connect:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    headers |= {"Cookie": f"session={session}"} if session else {}
    return connect(
        f"ws://127.0.0.1:{served.port}{path}",
        additional_headers=headers,
        origin=origin or None,
        compression=None,
        open_timeout=PATIENCE_S,
    )


async def say(socket: ClientConnection, kind: str, **fields: Any) -> None:
    await socket.send(json.dumps({"type": kind, **fields}))


async def get(socket: ClientConnection, kind: str) -> dict[str, Any]:
    """The next frame, which is of this kind."""
    async with asyncio.timeout(PATIENCE_S):
        frame: dict[str, Any] = json.loads(await socket.recv())
    assert frame["type"] == kind, frame
    return frame


async def subscribe(socket: ClientConnection, number: int | None = None) -> dict[str, Any]:
    await say(socket, "subscribe", account_number=number)
    return await get(socket, "subscribed")


async def ended(socket: ClientConnection) -> tuple[int, str]:
    """The code it is closed with, and why."""
    reason = ""

    async def read() -> None:
        nonlocal reason
        while True:
            frame = json.loads(await socket.recv())
            reason = frame["reason"] if frame["type"] == "bye" else reason

    with pytest.raises(ConnectionClosed) as closed:
        await asyncio.wait_for(read(), PATIENCE_S)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code, reason


class Stream:
    """One open stream of server-sent events, over a connection of its own."""

    def __init__(self, served: Served, path: str, **headers: str) -> None:
        self._port = served.port
        asked = {"Host": f"127.0.0.1:{served.port}", **headers}
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in asked.items()]
        self._request = "\r\n".join([f"GET {path} HTTP/1.1", *lines, "", ""]).encode()
        self._text = b""
        self._unzip: Any = None
        self.pings = 0

    async def __aenter__(self) -> "Stream":
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writer.write(self._request)
        async with asyncio.timeout(PATIENCE_S):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin1")
        status, *lines = head.strip().split("\r\n")
        self.status = int(status.split()[1])
        self.headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in lines)
        }
        if self.headers.get("content-encoding") == "gzip":
            self._unzip = zlib.decompressobj(wbits=31)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def _more(self) -> None:
        size = int(await self._reader.readline(), 16)
        if size == 0:
            raise EOFError
        chunk = (await self._reader.readexactly(size + 2))[:-2]
        self._text += self._unzip.decompress(chunk) if self._unzip else chunk

    async def next(self) -> tuple[str, Any, str]:
        """The next event: name, data, id. Raises EOFError when the server ends the stream."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                while b"\n\n" not in self._text:
                    await self._more()
                block, _, self._text = self._text.partition(b"\n\n")
                fields = dict(line.split(": ", 1) for line in block.decode().splitlines())
                if "" in fields:
                    self.pings += 1
                if "data" in fields:
                    name, data = fields.get("event", ""), fields["data"]
                    told = data if name == "line" else json.loads(data)  # a row of the log's page
                    return name, told, fields.get("id", "")

    async def get(self, name: str) -> tuple[Any, str]:
        """The next event, which is of this name: data and id."""
        found, data, mark = await self.next()
        assert found == name, (found, data)
        return data, mark


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}
