"""The operations log as server-sent events."""

import asyncio
import logging
from contextlib import aclosing
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.contrib.auth.models import Permission
from django.test import AsyncClient

from mt5monitor.operations import reading
from mt5monitor.operations.entry import Wanted
from mt5monitor.operations.keeping import Keeping
from tests.factories import make_user
from tests.waiting import eventually

log = logging.getLogger("operations")


async def test_lines_come_as_events_and_are_not_sent_twice(rows: None, kept: Keeping) -> None:
    client = AsyncClient()
    await client.aforce_login(await _viewer())
    log.warning("before")
    first = await _next_line(client, "?level=warning&after=0-0")
    assert "before" in first["data"]
    log.info("not wanted")
    log.warning("<b>after</b>")
    second = await _next_line(client, "?level=warning", {"Last-Event-ID": first["id"]})
    assert "&lt;b&gt;after" in second["data"]
    assert second["event"] == "line"


async def test_a_busy_log_leaves_nobody_in_silence_whose_filter_takes_none_of_it(
    kept: Keeping,
) -> None:
    log.info("not wanted")
    assert await asyncio.to_thread(eventually, lambda: reading.last(Wanted(), 1))
    async with aclosing(reading.coming(Wanted(text="never said"), "0-0")) as lines:
        assert await asyncio.wait_for(anext(lines), reading.BLOCK_MS / 2000) is None


async def _viewer() -> Any:
    return await database_sync_to_async(make_user)("accounts.view_logs")


async def _next_line(
    client: AsyncClient, query: str, headers: dict[str, str] | None = None
) -> dict[str, str]:
    answer: Any = await client.get(f"/events/logs{query}", headers=headers or {})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/event-stream"
    async with aclosing(aiter(answer)) as parts:
        async for part in parts:
            fields = dict(line.split(": ", 1) for line in part.decode().strip().splitlines())
            if "data" in fields:
                return fields
    raise AssertionError("it ended")


async def test_a_stream_ends_for_somebody_who_may_not_see_it_any_more(
    rows: None, kept: Keeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mt5monitor.events.CHECK_EVERY_S", 0.0)
    client = AsyncClient()
    user = await _viewer()
    await client.aforce_login(user)
    await user.user_permissions.aclear()
    log.warning("secret matters")
    answer: Any = await client.get("/events/logs?after=0-0")
    assert answer.status_code == 403
    await user.user_permissions.aset([await _permission()])
    answer = await client.get("/events/logs?after=0-0")
    await user.user_permissions.aclear()
    told = b"".join([part async for part in answer]).decode()
    assert "secret matters" not in told
    assert "event: ended" in told


async def _permission() -> Any:
    return await Permission.objects.aget(codename="view_logs")
