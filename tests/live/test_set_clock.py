"""The wall clock is set: times by which deliveries are compared mean nothing across that moment."""

import time
from types import SimpleNamespace

import pytest
from channels.db import database_sync_to_async as threaded

from accounts.live.hub import Hub
from mt5monitor import clock
from tests.factories import make_account
from tests.live.page import Page
from tests.live.sent import send


@pytest.mark.parametrize("step", [-1.5, -3600.0, 3600.0])
async def test_every_page_is_read_again(
    hub: Hub, session: str, monkeypatch: pytest.MonkeyPatch, step: float
) -> None:
    account = await threaded(make_account)()
    async with Page(session) as page:
        await page.settled(account.number)
        epoch = hub.backlog.epoch
        await hub.beat()
        assert hub.backlog.epoch == epoch
        times = SimpleNamespace(time=lambda: time.time() + step, monotonic=time.monotonic)
        monkeypatch.setattr(clock, "time", times)
        await hub.beat()
        assert (await page.get("reread"))["reason"] == "gap"
        assert hub.backlog.epoch != epoch


async def test_a_row_that_was_shown_before_does_not_hold_back_a_newer_one(
    hub: Hub, session: str
) -> None:
    async with Page(session) as page:
        await page.settled(1)
        now = time.time()
        await send(now, rows={1: "before"})
        await page.get("rows")
        hub.forget_times()
        await page.get("reread")
        await send(now - 1.5, rows={1: "after"})
        assert (await page.get("rows"))["rows"] == {"1": "after"}
