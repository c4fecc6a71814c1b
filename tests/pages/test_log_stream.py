"""The operations log as server-sent events; how it travels from a real server is in
tests/programs/test_log.py."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest
import pytest_asyncio
from channels.db import database_sync_to_async
from django.test import AsyncClient
from pytest_django import Settings

from accounts.events import follower
from accounts.events import log as log_of_programs
from mt5monitor.operations import reading
from mt5monitor.operations.entry import Wanted
from mt5monitor.operations.keeping import Keeping
from tests.factories import make_user
from tests.waiting import eventually

log = logging.getLogger("operations")
PATIENCE_S = 20.0
Fields = dict[str, str]


@pytest_asyncio.fixture(autouse=True)
async def _ends() -> AsyncIterator[None]:
    """With the last who followed all work ends, and the connection to Valkey."""
    yield
    if work := asyncio.all_tasks() - {asyncio.current_task()}:
        done, still = await asyncio.wait(work, timeout=PATIENCE_S)
        assert not still


async def test_lines_come_as_events_and_are_not_sent_twice(rows: None, kept: Keeping) -> None:
    client = await _viewer()
    log.warning("before")
    (first,) = await _lines(client, 1, "?level=warning&after=0-0")
    assert "before" in first["data"]
    log.info("not wanted")
    log.warning("<b>after</b>")
    (second,) = await _lines(client, 1, "?level=warning&after=0-0", {"Last-Event-ID": first["id"]})
    assert "&lt;b&gt;after" in second["data"]
    assert second["event"] == "line"


@pytest.mark.parametrize("query", ["?level=loud", "?account=x"])
async def test_a_filter_that_is_none_is_refused_and_not_left_out(rows: None, query: str) -> None:
    answer = await (await _viewer()).get(f"/events/logs{query}")
    assert answer.status_code == 422
    assert query.partition("=")[2] in answer.content.decode()


async def test_more_lines_than_one_read_takes_arrive_in_order_from_any_line_on(
    rows: None, kept: Keeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_of_programs, "AT_ONCE", 3)
    monkeypatch.setattr(log_of_programs, "KEPT", 5)
    client = await _viewer()
    for number in range(10):
        log.warning("old %d", number)
    await _said(10)
    # The first ones are read back, the last ones come while somebody follows.
    later = asyncio.ensure_future(_lines(client, 20, "?after=0-0&interval=1"))
    async with asyncio.timeout(PATIENCE_S):
        while not log_of_programs.current().ready.is_set():
            await asyncio.sleep(0.01)
    for number in range(10):
        log.warning("new %d", number)
    told = [line["data"] for line in await later]
    expected = [f"{when} {number}<" for when in ("old", "new") for number in range(10)]
    assert [text for text, line in zip(expected, told, strict=True) if text in line] == expected


async def test_who_asks_for_no_line_is_told_where_the_log_ends(rows: None, kept: Keeping) -> None:
    client = await _viewer()
    log.warning("before")
    await _said(1)
    hello = await _next(await _opened(client), "hello")
    log.warning("after")
    (line,) = await _lines(client, 1, "", {"Last-Event-ID": hello["id"]})
    assert "after" in line["data"]


async def test_a_busy_log_leaves_nobody_in_silence_whose_filter_takes_none_of_it(
    rows: None, kept: Keeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "PING_S", 0.1)
    log.info("not wanted")
    await _said(1)
    answer = await _opened(await _viewer(), "?q=never+said&after=0-0")
    async with asyncio.timeout(PATIENCE_S), aclosing(aiter(answer)) as parts:
        assert (await anext(parts)).startswith(b"retry")
        log.info("not wanted")
        assert [await anext(parts) for _ in range(2)] == [b": ping\n\n"] * 2


async def test_a_user_may_open_so_many_and_no_more(
    rows: None, kept: Keeping, settings: Settings
) -> None:
    settings.EVENTS_PER_USER = 1
    client = await _viewer()
    answer = await _opened(client)
    async with asyncio.timeout(PATIENCE_S), aclosing(aiter(answer)) as parts:
        await anext(parts)
        await anext(parts)
        refused: Any = await client.get("/events/logs")
        assert refused.status_code == 429
        assert refused.json()["detail"] == "Too many are open for this user: 1 at most."
        other = await _opened(await _viewer())
        await other._sent.aclose()
    # Who left is out at once.
    assert not log_of_programs.current().listeners
    await (await _opened(client))._sent.aclose()


async def test_a_stream_ends_for_somebody_who_may_not_see_it_any_more(
    rows: None, kept: Keeping, settings: Settings
) -> None:
    settings.LIVE_BEAT_S = 0.05
    user = await database_sync_to_async(make_user)("accounts.view_logs", "accounts.view_account")
    client = AsyncClient()
    await client.aforce_login(user)
    answer = await _opened(client)
    hello = await _next(answer, "hello", keep=True)
    await user.user_permissions.aclear()
    assert '"code": 4403' in (await _next(answer, "bye", keep=True))["data"]
    log.warning("secret matters")
    async with asyncio.timeout(PATIENCE_S):
        assert b"".join([part async for part in answer._sent]) == b""
    refused: Any = await client.get("/events/logs", headers={"Last-Event-ID": hello["id"]})
    assert refused.status_code == 403


# --- reading a stream -----------------------------------------------------------------------------
async def _said(count: int) -> None:
    assert await asyncio.to_thread(eventually, lambda: len(reading.last(Wanted(), 99)) >= count)


async def _viewer() -> AsyncClient:
    client = AsyncClient()
    user = await database_sync_to_async(make_user)("accounts.view_logs")
    await client.aforce_login(user)
    return client


async def _opened(client: AsyncClient, query: str = "", headers: Fields | None = None) -> Any:
    answer: Any = await client.get(f"/events/logs{query}", headers=headers or {})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/event-stream"
    return answer


async def _next(answer: Any, name: str, *, keep: bool = False) -> Fields:
    """The next event, which is of this name."""
    async with asyncio.timeout(PATIENCE_S):
        async for part in answer._sent:
            for fields in _events(part):
                assert fields["event"] == name
                if not keep:
                    await answer._sent.aclose()
                return fields
    raise AssertionError("it ended")


async def _lines(
    client: AsyncClient, count: int, query: str, headers: Fields | None = None
) -> list[Fields]:
    found: list[Fields] = []
    answer = await _opened(client, query, headers)
    async with asyncio.timeout(PATIENCE_S), aclosing(aiter(answer)) as parts:
        async for part in parts:
            found += _events(part)
            if len(found) >= count:
                return found
    raise AssertionError("it ended")


def _events(part: bytes) -> list[Fields]:
    blocks = part.decode().strip().split("\n\n")
    events = [dict(line.split(": ", 1) for line in block.splitlines()) for block in blocks]
    return [fields for fields in events if "data" in fields]
