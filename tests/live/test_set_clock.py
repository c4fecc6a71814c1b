"""The wall clock is set: times by which deliveries are compared mean nothing across that moment."""

import time
from types import SimpleNamespace

import pytest
from channels.db import database_sync_to_async as threaded

from accounts.live.hub import Hub
from mt5monitor import clock
from tests.factories import make_account
from tests.live.page import Page


@pytest.mark.parametrize("step", [-1.5, -3600.0, 3600.0])
async def test_every_page_is_read_again(
    hub: Hub, session: str, monkeypatch: pytest.MonkeyPatch, step: float
) -> None:
    account = await threaded(make_account)()
    async with Page(session) as page:
        await page.settled(account.number)
        epoch = hub.mark[0]
        await hub._heart.beat()
        assert hub.mark[0] == epoch
        times = SimpleNamespace(time=lambda: time.time() + step, monotonic=time.monotonic)
        monkeypatch.setattr(clock, "time", times)
        await hub._heart.beat()
        assert hub.mark[0] != epoch
        assert (await page.get("reread"))["reason"] == "gap"


async def test_a_row_that_was_shown_before_does_not_hold_back_a_newer_one(hub: Hub) -> None:
    now = time.time()
    assert hub.accounts.accept(1, now)
    hub.forget_times()
    assert hub.accounts.accept(1, now - 1.5)
