"""Live pages as served: Daphne in its own process, sockets over TCP."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
import pytest_asyncio
from channels.db import database_sync_to_async as threaded
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from websockets.exceptions import ConnectionClosed

from accounts.live.publishing import publish_accounts
from tests.factories import make_account
from tests.live.page import PATIENCE_S
from tests.live.sent import send
from tests.live.served import ClientConnection, Served
from tests.valkey import PrivateValkey

WATCH = json.dumps({"type": "watch", "page": "fleet", "rows": [1]})


@pytest.fixture(scope="module")
def daphne(
    django_db_setup: None,
    valkey_server: PrivateValkey,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Served]:
    """The one of all tests of this module; each leaves it as it was."""
    served = Served(tmp_path_factory.mktemp("daphne") / "log")
    served.start()
    yield served
    served.stop()
    served.said()


@pytest_asyncio.fixture
async def served(daphne: Served, valkey: PrivateValkey, rows: None) -> Served:
    await daphne.accepts()
    return daphne


async def get(socket: ClientConnection, kind: str) -> dict[str, Any]:
    """The next frame of this kind; beats are acknowledged."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            frame: dict[str, Any] = json.loads(await socket.recv())
            if frame["type"] == "beat":
                await socket.send(json.dumps({"type": "ack", "beat": frame["beat"]}))
            if frame["type"] == kind:
                return frame


async def close_code(socket: ClientConnection) -> int:
    with pytest.raises(ConnectionClosed) as closed:
        await get(socket, "never")
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


async def test_a_change_travels_to_a_browser(served: Served, session: str) -> None:
    account = await threaded(make_account)()
    async with served.connect(session) as socket:
        await get(socket, "hello")
        await socket.send(json.dumps({"type": "watch", "page": "fleet", "rows": [account.number]}))
        await get(socket, "beat")
        await threaded(publish_accounts)([account.number])
        assert str(account.number) in (await get(socket, "rows"))["rows"]


async def test_a_foreign_origin_is_closed_with_its_code(served: Served, session: str) -> None:
    async with served.connect(session, origin="https://evil.example.com") as socket:
        assert await close_code(socket) == 4403


async def test_a_sign_out_closes_the_sockets_of_that_session(
    served: Served, session: str, user: User
) -> None:
    async with served.connect(session) as socket:
        await get(socket, "hello")
        await Session.objects.filter(pk=session).adelete()
        assert await close_code(socket) == 4401


async def test_a_frame_over_the_bound_closes_the_socket(served: Served, session: str) -> None:
    async with served.connect(session) as socket:
        await socket.send(" " * 70_000)
        assert await close_code(socket) == 4413


async def test_a_browser_that_never_reads_is_cut_off_and_delays_nobody(
    served: Served, session: str
) -> None:
    html = "x" * 100_000
    async with served.connect(session) as socket:
        reader, writer = await served.deaf(session, WATCH)
        await socket.send(WATCH)
        await get(socket, "beat")
        for seq in range(1, 101):
            reading = asyncio.create_task(get(socket, "rows"))
            await send(1e9 + seq, rows={1: f"{seq} {html}"})
            assert (await reading)["rows"]["1"].startswith(f"{seq} ")
        writer.transport.resume_reading()
        received = 0
        async with asyncio.timeout(PATIENCE_S):
            try:
                while data := await reader.read(65536):
                    received += len(data)
            except ConnectionError:
                pass
        assert received < 100 * len(html)
        await get(socket, "beat")
    writer.close()
