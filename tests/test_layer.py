"""The channel layer and the clients, on a Valkey on another host that is lost without a word."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest
import pytest_asyncio

from accounts.live.link import Link
from mt5monitor.layer import Layer
from mt5monitor.valkey import ERRORS, Backoff, connect, connect_async
from tests.namespaces import Host, another_host
from tests.valkey import DistantValkey

PATIENCE_S = 60.0
QUICK_KERNEL = {
    "socket_keepalive": True,
    "socket_keepalive_options": {
        getattr(socket, name): 1
        for name in ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT")
        if hasattr(socket, name)  # other hosts are for Linux alone: see tests/namespaces.py
    },
}
ONLY_KERNEL = QUICK_KERNEL | {"health_check_interval": 0}
ONLY_QUESTIONS = {"socket_keepalive": False, "health_check_interval": 1}


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with another_host() as made:
        yield made


@pytest.fixture(scope="module")
def distant(host: Host) -> DistantValkey:
    valkey = DistantValkey(host)
    valkey.start()
    return valkey


def layer_of(valkey: DistantValkey, **options: Any) -> Layer:
    timeouts = {"socket_timeout": 1, "socket_connect_timeout": 1}
    return Layer(hosts=[{"address": valkey.url, **timeouts, **options}], prefix="tests")


class Listener:
    """Takes what a group is sent, and counts the turns that others have meanwhile."""

    def __init__(self, layer: Layer) -> None:
        self.layer, self.turns = layer, 0
        self.losses: list[str] = []
        layer.when_lost(lambda error: self.losses.append(str(error)))
        self.heard: set[str] = set()
        self._tasks = [asyncio.create_task(one) for one in (self._listen(), self._count())]

    async def _listen(self) -> None:
        channel = await self.layer.new_channel()
        await self.layer.group_add("all", channel)
        while True:
            self.heard.add((await self.layer.receive(channel))["word"])

    async def _count(self) -> None:
        while True:
            await asyncio.sleep(0.01)
            self.turns += 1

    async def hears(self, word: str) -> None:
        """Sent as often as it takes: a message may be lost, a connection must not."""
        async with asyncio.timeout(PATIENCE_S):
            while word not in self.heard:
                with contextlib.suppress(*ERRORS):
                    await self.layer.group_send("all", {"type": "word", "word": word})
                await asyncio.sleep(0.1)

    async def loses(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not self.losses:
                await asyncio.sleep(0.01)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        await self.layer.flush()


@pytest_asyncio.fixture
async def listen(distant: DistantValkey) -> AsyncIterator[Callable[..., Awaitable[Listener]]]:
    made: list[Listener] = []

    async def begin(**options: Any) -> Listener:
        listener = Listener(layer_of(distant, **options))
        made.append(listener)
        await listener.hears("first")
        return listener

    yield begin
    for listener in made:
        await listener.stop()


@pytest.mark.parametrize(
    ("options", "reason"), [(ONLY_KERNEL, "the connection ended"), (ONLY_QUESTIONS, "no answer")]
)
async def test_a_silent_loss_is_noticed_blocks_nobody_and_heals(
    listen: Callable[..., Awaitable[Listener]],
    host: Host,
    options: dict[str, Any],
    reason: str,
) -> None:
    listener = await listen(**options)
    with host.lost():
        await listener.loses()
        turns = listener.turns
        async with asyncio.timeout(PATIENCE_S):  # which a loop that spins would never notice
            while listener.turns < turns + 100:
                await asyncio.sleep(0.01)
    assert listener.losses[0].startswith(reason)
    await listener.hears("after")


async def test_live_pages_are_read_again_after_a_silent_loss(
    distant: DistantValkey, host: Host
) -> None:
    returns: list[int] = []
    link = Link(lambda packet: None, lambda: returns.append(1))
    link._layer = layer_of(distant, **ONLY_QUESTIONS)
    running = asyncio.create_task(link.run())
    async with asyncio.timeout(PATIENCE_S):
        await link.listening.wait()
        with host.lost():
            while not link._broken:
                await asyncio.sleep(0.01)
            assert len(returns) == 1
        while len(returns) == 1:
            await link.check()
            await asyncio.sleep(0.1)
    running.cancel()
    await asyncio.wait({running})
    await link._layer.flush()


async def test_what_is_sent_during_a_loss_ends_with_an_error_and_so_does_all_else(
    listen: Callable[..., Awaitable[Listener]], host: Host
) -> None:
    layer = (await listen(**QUICK_KERNEL)).layer
    with host.lost():
        async with asyncio.timeout(PATIENCE_S):
            waiting = [layer.group_send("all", {"type": "word"}) for _ in range(20)]
            ended = await asyncio.gather(*waiting, return_exceptions=True)
            assert any(isinstance(error, ERRORS) for error in ended)
            with pytest.raises(ERRORS):
                await layer.group_send("all", {"type": "word"})
            await layer.flush()


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


def test_the_wait_between_tries_grows_to_its_limit_and_is_random() -> None:
    backoff = Backoff(first_s=1, longest_s=4)
    assert backoff.is_fresh
    for most in (1, 2, 4, 4):
        assert most * 0.75 <= backoff.after_failure() <= most
        assert not backoff.is_fresh
    backoff.reset()
    assert backoff.is_fresh
    assert len({Backoff().after_failure() for _ in range(20)}) > 1
