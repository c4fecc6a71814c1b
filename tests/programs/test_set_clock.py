"""The wall clock is set: clients read everything again, for events are compared by their times."""

import time
from types import SimpleNamespace

import pytest

from accounts.live.hub import Hub
from accounts.live.publisher import Publisher
from mt5monitor import clock
from tests.valkey import PrivateValkey


async def test_clients_read_everything_again_once(
    rows: None, valkey: PrivateValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost: list[Publisher] = []
    monkeypatch.setattr(Publisher, "lose", lambda one: lost.append(one))
    hub = Hub()
    await hub.tick()
    assert lost == []
    times = SimpleNamespace(time=lambda: time.time() - 3600, monotonic=time.monotonic)
    monkeypatch.setattr(clock, "time", times)
    for _ in range(2):
        await hub.tick()
    assert len(lost) == 1
