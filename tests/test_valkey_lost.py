"""The clients of Valkey, and the hub, where a Valkey on another host is lost without a word."""

import asyncio
from collections.abc import Callable, Iterator

import pytest
from pytest_django import Settings

from accounts.live.hub import Hub
from mt5monitor.valkey import ERRORS, Backoff, connect, connect_async
from tests.live import sent
from tests.namespaces import Host, another_host
from tests.valkey import DistantValkey

PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with another_host() as made:
        yield made


@pytest.fixture(scope="module")
def distant(host: Host) -> DistantValkey:
    valkey = DistantValkey(host)
    valkey.start()
    return valkey


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.01)


async def test_the_hub_notices_a_silent_loss_and_reads_on_after_it(
    rows: None, distant: DistantValkey, host: Host, settings: Settings
) -> None:
    settings.REDIS_URL = distant.url
    hub = Hub()
    await hub.open_pages()
    epoch, seq = hub.backlog.mark
    assert epoch
    with host.lost():
        await until(lambda: hub.is_away)
        await hub.open_pages()  # which ends, though nobody answers
    await hub.open_pages()
    await until(hub.ready.is_set)
    await asyncio.to_thread(sent.write, rows={1: "after"})
    await until(lambda: hub.backlog.last > seq)
    assert hub.backlog.mark == (epoch, seq + 1)  # nothing was lost: nothing is read again
    await hub.stop()


async def test_every_client_has_an_end_to_its_waits(distant: DistantValkey, host: Host) -> None:
    client, asynchronous = connect(distant.url), connect_async(distant.url, block_s=0.5)
    assert client.ping()
    assert await asynchronous.ping()
    with host.lost():
        async with asyncio.timeout(PATIENCE_S):
            for _ in range(2):  # on the connection that was lost, on a new one
                with pytest.raises(ERRORS):
                    await asyncio.to_thread(client.ping)
                with pytest.raises(ERRORS):
                    await asynchronous.xread({"none": "$"}, block=500)
    assert client.ping()
    client.close()
    await asynchronous.aclose()


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "unix:///nowhere.sock"])
def test_what_cannot_be_reached_is_an_error_at_once(url: str) -> None:
    with connect(url) as client, pytest.raises(ERRORS):
        client.ping()


def test_waits_between_tries_grow_to_a_limit_and_differ_for_each() -> None:
    backoff = Backoff(first_s=1, longest_s=4)
    assert backoff.is_fresh
    for most in (1, 2, 4, 4):
        assert most * 0.75 <= backoff.after_failure() <= most
        assert not backoff.is_fresh
    backoff.reset()
    assert backoff.is_fresh
    assert len({Backoff().after_failure() for _ in range(20)}) > 1
