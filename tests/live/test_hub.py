"""The hub's own life; what it delivers is in test_delivery.py."""

import asyncio
from contextlib import suppress

import pytest

from accounts.live.heart import Heart
from accounts.live.hub import Hub
from tests.live.page import PATIENCE_S
from tests.valkey import PrivateValkey


async def test_it_ends_although_its_heart_swallowed_the_first_cancellation(
    valkey: PrivateValkey, rows: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    beating = asyncio.Event()

    async def swallow_one(heart: Heart) -> None:
        with suppress(asyncio.CancelledError):
            beating.set()
            await asyncio.Event().wait()
        await asyncio.Event().wait()

    monkeypatch.setattr(Heart, "run", swallow_one)
    hub = Hub()
    await beating.wait()
    async with asyncio.timeout(PATIENCE_S):
        await hub.stop()
