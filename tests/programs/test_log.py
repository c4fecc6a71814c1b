"""`/events/logs` as served: Daphne in its own process, over TCP. Its lines are in
tests/pages/test_log_stream.py."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import redis
from channels.db import database_sync_to_async as threaded
from django.conf import settings
from django.contrib.auth.models import User

from accounts.models import ApiToken
from mt5monitor.operations.entry import Entry
from mt5monitor.operations.keeping import STREAM
from tests.factories import make_user
from tests.live.page import PATIENCE_S, session_of
from tests.live.served import Served
from tests.programs.desk import Stream, bearer

LOGS = "/events/logs?interval=1"


@pytest.fixture
def user(rows: None) -> User:
    return make_user("accounts.view_logs")


@pytest.fixture
def valkey_now(served: Served) -> Any:
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        yield client


def log(valkey: Any, *texts: str) -> None:
    for text in texts:
        entry = Entry(at=time.time(), level=20, logger="x", process="test 1", text=text)
        valkey.xadd(STREAM, {"line": msgspec.json.encode(entry)})


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.02)


async def test_lines_arrive_at_once_and_what_follows_within_the_interval_together(
    served: Served, key: str, valkey_now: Any
) -> None:
    async with Stream(served, LOGS, **bearer(key), Accept_Encoding="gzip") as stream:
        assert stream.headers["content-encoding"] == "gzip"
        await stream.get("hello")
        log(valkey_now, "one")
        line, mark = await stream.get("line")
        assert ">one<" in line
        log(valkey_now, "two")
        log(valkey_now, "three")
        assert ">two<" in (await stream.get("line"))[0]
        assert b">three<" in stream._text  # with it, in one part
    async with Stream(served, LOGS, **bearer(key), Last_Event_ID=mark) as stream:
        assert ">two<" in (await stream.get("line"))[0]


async def test_who_may_not_see_the_log_is_told_why(
    served: Served, user: User, new_token: Callable[..., tuple[ApiToken, str]]
) -> None:
    other = await threaded(make_user)("accounts.view_account")
    _, limited = await threaded(new_token)(user, "accounts.view_account")
    session = await threaded(session_of)(user)
    for headers, status in [
        ({}, 401),
        (bearer("wrong"), 401),
        (bearer(limited), 403),
        (bearer((await threaded(new_token)(other))[1]), 403),
        ({"Cookie": f"session={session}"}, 200),
    ]:
        async with Stream(served, LOGS, **headers) as stream:
            assert stream.status == status, headers
    async with Stream(served, "/events/logs?interval=0", **bearer(limited)) as stream:
        assert stream.status == 422


async def test_many_streams_take_no_thread_and_one_connection(
    served: Served, key: str, valkey_now: Any
) -> None:
    def readers() -> int:
        return sum(client["cmd"] == "xread" for client in valkey_now.client_list())

    streams = [Stream(served, LOGS, **bearer(key)) for _ in range(60)]
    try:
        for stream in streams:
            await stream.__aenter__()
            await stream.get("hello")
        async with Stream(served, LOGS, **bearer(key)) as one_more:
            assert one_more.status == 429
        assert readers() == 1
        threads = Path(f"/proc/{served._process.pid}/task")
        assert len(list(threads.iterdir())) < 30
        log(valkey_now, "to all")
        for stream in streams:
            assert ">to all<" in (await stream.get("line"))[0]
    finally:
        for stream in streams:
            await stream.__aexit__()
    await until(lambda: not readers())  # nobody follows: nothing is read
    async with Stream(served, LOGS, **bearer(key)) as stream:
        await stream.get("hello")


async def test_who_does_not_read_is_cut_off(served: Served, key: str, valkey_now: Any) -> None:
    asked = f"GET {LOGS}&after=0-0 HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n"
    for _ in range(10):
        log(valkey_now, *["x" * 2000] * 500)
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port, limit=1024)
    writer.write(f"{asked}Authorization: Bearer {key}\r\n\r\n".encode())
    await reader.readuntil(b"\r\n")
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    mine = writer.get_extra_info("sockname")[1]
    await until(lambda: not is_connected(served.port, mine))
    writer.close()


def is_connected(server: int, client: int) -> bool:
    """Whether the server's end of this connection is open."""
    ends = [line.split()[1:4] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    wanted = (f"{server:04X}", f"{client:04X}", "01")
    return any((a.split(":")[1], b.split(":")[1], state) == wanted for a, b, state in ends)
