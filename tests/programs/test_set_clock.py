"""The wall clock is set: programs read anew, for what they were told is known by times."""

import asyncio
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest

from accounts.events import publishing
from accounts.events.heart import Heart
from accounts.events.hub import Hub
from mt5monitor import clock


async def nothing(*_: Any) -> None:
    pass


async def test_programs_read_anew_once(monkeypatch: pytest.MonkeyPatch) -> None:
    lost: list[bool] = []
    monkeypatch.setattr(
        publishing, "writer", lambda: SimpleNamespace(lose=lambda: lost.append(True))
    )
    monkeypatch.setattr(Heart, "_read", nothing)
    hub = SimpleNamespace(listeners=[], check_rights=nothing, ready=asyncio.Event())
    heart = Heart(cast(Hub, hub))
    await heart._beat()
    assert lost == []
    times = SimpleNamespace(time=lambda: time.time() - 3600, monotonic=time.monotonic)
    monkeypatch.setattr(clock, "time", times)
    for _ in range(2):
        await heart._beat()
    assert lost == [True]
