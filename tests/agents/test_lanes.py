"""Trades have slots, connections and name look-ups of their own: polls never delay them."""

import asyncio
import socket
import ssl
import threading

from tests.agents.conftest import endpoint
from tests.agents.orders import (
    DONE1,
    DONE2,
    ORDER,
    outcome,
    saying,
    traded,
)
from tests.agents.servers import serving
from tests.agents.test_dialling import self_signed


async def hang(visit):
    await visit.reader.read()


async def test_a_trade_does_not_wait_for_polls_that_hold_every_slot_and_connection(make_client):
    client = make_client(max_concurrency=2, max_connections=2, deadline=20.0, read_timeout=20.0)
    async with serving(hang) as busy, serving(saying(DONE1)) as server:
        polls = [asyncio.ensure_future(client.read(endpoint(busy.url))) for _ in range(2)]
        while len(busy.requests) < 2:
            await asyncio.sleep(0.005)
        assert outcome(await asyncio.wait_for(client.trade(endpoint(server.url), ORDER), 5)) == (
            "done"
        )
        for poll in polls:
            poll.cancel()
        await asyncio.gather(*polls, return_exceptions=True)


async def test_a_trade_does_not_wait_for_names_that_dns_does_not_answer(make_client, monkeypatch):
    client = make_client(max_concurrency=100, deadline=20.0, connect_timeout=20.0, pool_timeout=20)
    answered, asked = threading.Event(), threading.Semaphore(0)
    original = socket.getaddrinfo

    def slow(host, *args, **kwargs):
        if host.startswith("dead"):
            asked.release()
            answered.wait(20)
            raise socket.gaierror(socket.EAI_AGAIN, "no answer")
        return original(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    async with serving(saying(DONE1)) as server:
        polls = [
            asyncio.ensure_future(client.read(endpoint(f"http://dead{n}.example")))
            for n in range(64)
        ]
        while not asked.acquire(blocking=False):
            await asyncio.sleep(0.005)
        url = server.url.replace("127.0.0.1", "localhost")
        assert (await asyncio.wait_for(client.trade(endpoint(url), ORDER), 10)).outcome == "done"
        answered.set()
        await asyncio.gather(*polls, return_exceptions=True)


async def test_a_trade_finds_the_address_that_a_poll_found(agents, monkeypatch):
    async with serving(
        saying({"account_number": 1, "balance": 1, "has_open_position": False})
    ) as a:
        await agents.read(endpoint(a.url.replace("127.0.0.1", "localhost")))
        monkeypatch.setattr(socket, "getaddrinfo", None)
        called = await traded(agents, a.url.replace("127.0.0.1", "localhost"))
    assert outcome(called) == "unknown"
    assert len(a.requests) == 2


async def test_over_tls_a_trade_goes_out_as_well(make_client, tmp_path):
    path, served = self_signed(tmp_path, "127.0.0.1")
    client = make_client(ssl.create_default_context(cafile=path))
    async with serving(saying(DONE2, contract="2"), served) as server:
        assert outcome(await traded(client, server, contract="2")) == "done"
