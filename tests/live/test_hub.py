"""The hub's own life; what it delivers is in test_delivery.py."""

import asyncio
from contextlib import suppress

import pytest
from channels.db import database_sync_to_async as threaded

from accounts.live.hub import Hub
from accounts.live.publishing import publish_accounts
from tests.factories import make_account
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
