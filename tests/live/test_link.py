"""The hub and its layer: away, back, fallen silent."""

import asyncio
import logging

import msgpack
import pytest
import redis.asyncio
from channels.db import database_sync_to_async as threaded
from channels.layers import get_channel_layer
from cryptography.fernet import Fernet
from django.conf import settings
from pytest_django import Settings

from accounts import live
from accounts.live.hub import Hub
from accounts.live.link import Link
from accounts.live.message import GROUP
from accounts.live.publishing import publish_accounts
from tests.factories import make_account
from tests.live.page import PATIENCE_S, Page
from tests.valkey import PrivateValkey


async def test_a_restart_of_valkey_makes_pages_read_again_and_changes_arrive_again(
    quick: Settings,
    hub: Hub,
    session: str,
    valkey: PrivateValkey,
    caplog: pytest.LogCaptureFixture,
) -> None:
    account = await threaded(make_account)()
    async with Page(session) as page:
        await page.settled(account.number)
        valkey.restart()
        await page.get("reread")
        page.watch(account.number)
        await page.get("beat")
        await threaded(publish_accounts)([account.number])
        await page.get("rows")
    said = [record.getMessage() for record in caplog.records if record.name.startswith("channels")]
    assert said == []


async def test_the_hub_waits_for_a_valkey_that_is_not_there_yet(
    quick: Settings, session: str, valkey: PrivateValkey, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    with valkey.away():
        hub = live.current()
        async with Page(session) as page:
            page.watch(1)
            await page.get("beat")
            await page.get("beat")
    async with asyncio.timeout(PATIENCE_S):
        await hub.link.listening.wait()
    await hub.stop()
    said = [r.getMessage() for r in caplog.records if r.name == "accounts.live.link"]
    assert len(said) == 1
    assert said[0].startswith("Live pages wait for Valkey")


async def test_a_subscription_that_fell_silent_is_made_anew(valkey: PrivateValkey) -> None:
    returns = asyncio.Semaphore(0)
    link = Link(lambda packet: None, returns.release)
    running = asyncio.create_task(link.run())
    async with asyncio.timeout(PATIENCE_S):
        await returns.acquire()
        # As a firewall would: the connection stands, and nothing comes through any more.
        link._layer._get_layer().channels[link._channel] = asyncio.Queue()
        link.suspect()
        while returns.locked():
            await link.check()
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.wait({running})
    await link._layer.flush()


async def test_a_suspicion_that_proves_unfounded_breaks_nothing(valkey: PrivateValkey) -> None:
    returns: list[int] = []
    link = Link(lambda packet: None, lambda: returns.append(1))
    running = asyncio.create_task(link.run())
    async with asyncio.timeout(PATIENCE_S):
        await link.listening.wait()
        link.suspect()
        await link.check()
        while link._suspected:
            await asyncio.sleep(0.001)
    assert returns == [1]
    running.cancel()
    await asyncio.wait({running})
    await get_channel_layer().flush()


async def test_a_message_that_another_key_made_is_dropped_and_the_next_arrives(
    valkey: PrivateValkey, caplog: pytest.LogCaptureFixture
) -> None:
    """Rows are HTML with buttons, which pages show as they come."""
    packets: asyncio.Queue[object] = asyncio.Queue()
    link = Link(packets.put_nowait, lambda: None)
    running = asyncio.create_task(link.run())
    async with asyncio.timeout(PATIENCE_S):
        await link.listening.wait()
        evil = {"type": "live", "rows": {"1": '<tr hx-post="/close/" hx-trigger="load">'}}
        async with redis.asyncio.Redis.from_url(settings.REDIS_URL) as client:
            (channel,) = [name for name in await client.pubsub_channels() if b"__group__" in name]
            for forged in (msgpack.packb(evil), Fernet(Fernet.generate_key()).encrypt(b"x"), b""):
                assert await client.publish(channel, forged) == 1
        await get_channel_layer().group_send(GROUP, {"type": "live", "seq": 7})
        assert await packets.get() == {"type": "live", "seq": 7}
    assert packets.empty()
    said = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert len(said) == 1
    assert "another key" in said[0]
    running.cancel()
    await get_channel_layer().flush()
