"""The hub's own life; what it delivers is in test_delivery.py."""

import asyncio
import threading
from contextlib import aclosing, suppress
from datetime import datetime
from typing import Any
from unittest.mock import AsyncMock

import pytest
from channels.db import database_sync_to_async as threaded
from django.contrib.auth.models import User
from django.db import OperationalError
from pytest_django import Settings

from accounts import poll_log
from accounts.events.client import Client
from accounts.events.follower import Follower
from accounts.live import heartbeat, reader, stream
from accounts.live.access import Viewer, admitted
from accounts.live.frames import Refused
from accounts.live.healer import Healer
from accounts.live.hub import Hub
from accounts.live.page import Page as LivePage
from accounts.live.publishing import publish_accounts
from mt5monitor.line import Line
from tests.factories import make_account, make_online_agent
from tests.live.page import PATIENCE_S, Page
from tests.live.sent import send
from tests.valkey import PrivateValkey


async def test_it_ends_although_its_heart_swallowed_the_first_cancellation(
    valkey: PrivateValkey, rows: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    beating = asyncio.Event()

    async def swallow_one(hub: Hub) -> None:
        with suppress(asyncio.CancelledError):
            beating.set()
            await asyncio.Event().wait()
        await asyncio.Event().wait()

    monkeypatch.setattr(Hub, "beat", swallow_one)
    hub = Hub()
    await hub.open_pages()
    await beating.wait()
    async with asyncio.timeout(PATIENCE_S):
        await hub.stop()


async def test_a_page_that_was_read_after_an_account_came_is_not_read_again_for_it(
    hub: Hub, session: str
) -> None:
    account = await threaded(make_account)()
    async with Page(session) as old, Page(session) as new:
        await old.settled(account.number)
        await send(added=[account.number])
        assert (await old.get("reread"))["reason"] == "added"
        seq = hub.backlog.last
        await send(added=[account.number])  # about which pages are told a moment later
        async with asyncio.timeout(PATIENCE_S):
            while hub.backlog.last == seq:
                await asyncio.sleep(0.001)
        await new.settled(account.number)
        assert (await old.get("reread"))["reason"] == "added"
        await threaded(publish_accounts)([account.number])
        assert "reread" not in {frame["type"] for frame in await new.until("rows")}


async def test_audiences_are_announced_again_after_the_database_had_failed(
    quick: Settings, hub: Hub, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Page(session) as page:
        await page.settled(1)
        real, failed = stream.listen, asyncio.Event()

        async def listen(valkey: Any, audience: str, **how: bool) -> stream.Position | None:
            if not failed.is_set():
                failed.set()
                raise OperationalError("the database is away")
            return await real(valkey, audience, **how)

        monkeypatch.setattr(stream, "listen", listen)
        await failed.wait()
        await threaded(stream.connection().delete)(stream.PAGES)
        await page.get("reread")


async def test_one_that_could_not_be_announced_does_not_stay(
    hub: Hub, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.intake.announced.clear()
    monkeypatch.setattr(stream, "listen", AsyncMock(side_effect=OperationalError))
    viewer = Viewer(user.pk, of_page=True, kinds=frozenset({"account_update"}))
    with pytest.raises(OperationalError):
        await hub.join(LivePage(viewer, AsyncMock()))
    assert not hub.listeners
    assert not hub.pages.open


async def test_what_was_published_while_pages_were_announced_is_read_again(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Any = stream.listen
    found: list[stream.Position] = []
    hub.intake.announced.clear()

    async def listen(valkey: Any, audience: str, **how: bool) -> stream.Position:
        found.append(await real(valkey, audience, **how))
        await send(rows={1: "new"})
        async with asyncio.timeout(PATIENCE_S):
            while hub.backlog.last == found[0].seq:
                await asyncio.sleep(0.001)
        return found[0]

    monkeypatch.setattr(stream, "listen", listen)
    await hub.open_pages()
    (at,) = found
    assert hub.backlog.mark == (at.epoch, at.seq + 1)
    one = frozenset({1})
    assert hub.backlog.rows_since(at.epoch, at.seq, one, one) is None


async def test_what_is_read_while_the_clock_is_set_still_counts(
    quick: Settings, rows: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    going_on = threading.Event()

    def changed(since: datetime) -> dict[int, float]:
        assert going_on.wait(PATIENCE_S)
        return {7: 1.0}

    monkeypatch.setattr(heartbeat, "_accounts_since", changed)
    readings = heartbeat.Readings()
    assert await readings.next(frozenset()) is None
    readings.forget()
    going_on.set()
    async with asyncio.timeout(PATIENCE_S):
        while (reading := await readings.next(frozenset())) is None:
            pass
    assert reading.accounts == {7: 1.0}


async def test_agents_that_a_page_makes_up_are_not_asked_for(
    valkey: PrivateValkey, rows: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of as many as one user can name, which is more than a query can have."""
    agent = await threaded(make_online_agent)()
    asked: list[int] = []
    monkeypatch.setattr(poll_log, "latest", lambda ids: asked.extend(ids) or {})
    shown = frozenset({agent.pk, *range(10_000_000, 10_300_000)})
    reading = await threaded(heartbeat.Readings().read)(shown)
    assert (asked, reading.polls.keys()) == ([agent.pk], {agent.pk})


async def test_with_nobody_listening_it_reads_on_for_pages_that_come(
    quick: Settings, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "RIGHTS_FOR_S", 0.0)
    hub.checked_at = 0.0
    before = hub.backlog.last
    await send(rows={1: "new"})
    async with asyncio.timeout(PATIENCE_S):
        while hub.backlog.last == before:
            await asyncio.sleep(0.001)


class Endless(Follower):
    """Has always something to say."""

    hears = frozenset({"account_update"})
    most = "EVENTS_PER_USER"

    def hello(self) -> bytes:
        return b""

    def has_more(self) -> bool:
        return True

    async def said(self, now: float) -> bytes:
        return b"more"


async def test_a_stream_whose_viewer_is_refused_sends_nothing_that_waits(
    hub: Hub, session: str, user: User
) -> None:
    viewer = await threaded(admitted)(Viewer(user.pk, session))
    stream = Endless(hub, viewer, 0.0)
    async with aclosing(stream.follow()) as parts:
        assert await anext(parts) == b"more"
        await stream.refuse(Refused(Refused.SIGNED_OUT, "You are signed out."))
        assert b"event: bye" in await anext(parts)


async def test_beats_go_on_while_a_journal_takes_its_time(
    quick: Settings, hub: Hub, session: str, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = asyncio.Event()

    async def heal_journals(healer: Healer, after: float) -> None:
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(Healer, "heal_journals", heal_journals)
    viewer = await threaded(admitted)(Viewer(user.pk, session))
    client = Client(hub, viewer, AsyncMock(), Line(None))
    await hub.join(client)
    async with Page(session) as page:
        await page.settled(1)
        await begun.wait()
        for _ in range(3):
            await page.get("beat")
    hub.leave(client)
