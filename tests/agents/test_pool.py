"""Connections that agents close while they are idle, at every moment at which it matters.

Agents in the field close after 5 s. Here the server closes on command instead, so that each
moment is met for certain; `benchmarks/idle_close.py` does it with real servers and real time.
"""

import asyncio
import gc
import socket
import struct

import pytest
from aiohttp.client_proto import ResponseHandler

from accounts.agents import errors
from accounts.agents.call import Call, Tally
from tests.agents.conftest import SHORT, endpoint
from tests.agents.servers import account, response, serving, telling

HEALTHY = telling({"/accounts": account()})


@pytest.fixture
async def server():
    async with serving(HEALTHY) as server:
        yield server


async def until(condition):
    """Turns of the loop until `condition()` holds."""
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


def close(writer):
    writer.close()


def reset(writer):
    own = writer.get_extra_info("socket")
    own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def half_close(writer):
    writer.write_eof()


def time_out(writer):
    """What some servers say to a connection that was idle for too long."""
    writer.write(response(b"", "408 Request Timeout", headers=("Connection: close",)))
    writer.close()


WAYS = [close, reset, half_close, time_out]


@pytest.mark.parametrize("end", WAYS)
async def test_a_connection_closed_while_idle_is_replaced_without_a_word(agents, server, end):
    await agents.read(endpoint(server.url))
    end(server.writers[0])
    await until(lambda: agents.statistics().idle == 0)
    assert await agents.read(endpoint(server.url))
    assert server.connections == 2
    assert len(server.requests) == 2
    assert agents.statistics().errors == {}


@pytest.mark.parametrize("end", WAYS)
async def test_a_connection_closed_as_the_request_is_written_is_replaced_silently(
    agents, server, end
):
    await agents.read(endpoint(server.url))
    assert agents.statistics().idle == 1
    end(server.writers[0])
    # No turn of the loop in between: the client cannot have noticed.
    assert await agents.read(endpoint(server.url))
    assert server.connections == 2
    assert len([request for request in server.requests if request.connection == 2]) == 1
    assert agents.statistics().errors == {}


@pytest.mark.parametrize("end", WAYS)
async def test_a_get_is_sent_once_more_when_the_agent_closes_without_answering_it(agents, end):
    async def agent(visit):
        if len(server.requests) == 2:
            end(visit.writer)
        else:
            await visit.json(account())

    async with serving(agent) as server:
        await agents.read(endpoint(server.url))
        assert await agents.read(endpoint(server.url))
        assert [request.connection for request in server.requests] == [1, 1, 2]
    assert agents.statistics().errors == {}


async def test_a_get_is_sent_twice_at_most(agents):
    async def agent(visit):
        if len(server.requests) == 1:
            await visit.json(account())
        else:
            visit.reset()

    async with serving(agent) as server:
        await agents.read(endpoint(server.url))
        with pytest.raises(errors.ConnectionLost):
            await agents.read(endpoint(server.url))
        assert len(server.requests) == 3


async def test_a_get_on_a_new_connection_is_not_sent_again(agents):
    async def agent(visit):
        visit.reset()

    async with serving(agent) as server:
        with pytest.raises(errors.ConnectionLost):
            await agents.read(endpoint(server.url))
        assert len(server.requests) == 1


async def test_many_connections_that_all_died_at_once_cost_one_request_each(agents):
    everybody = asyncio.Barrier(8)

    async def agent(visit):
        if len(server.requests) <= 8:
            await everybody.wait()
        await visit.json(account())

    async with serving(agent) as server:
        await asyncio.gather(*(agents.read(endpoint(server.url)) for _ in range(8)))
        assert agents.statistics().idle == 8
        for writer in server.writers:
            reset(writer)
        await asyncio.gather(*(agents.read(endpoint(server.url)) for _ in range(8)))
        assert len([request for request in server.requests if request.connection > 8]) == 8
    assert agents.statistics().errors == {}


async def test_a_get_is_sent_again_on_a_new_connection_and_not_on_another_old_one(agents):
    everybody = asyncio.Barrier(4)
    seen = set()

    async def agent(visit):
        if visit.request.connection in seen:
            return visit.reset()
        seen.add(visit.request.connection)
        if len(server.requests) <= 4:
            await everybody.wait()
        return await visit.json(account())

    async with serving(agent) as server:
        await asyncio.gather(*(agents.read(endpoint(server.url)) for _ in range(4)))
        assert await agents.read(endpoint(server.url))
        assert (server.connections, len(server.requests)) == (5, 6)
    assert agents.statistics().errors == {}


async def call_on(agents, server):
    """A call on the pool that `agents` has warmed up."""
    await agents.read(endpoint(server.url))
    return Call(server.url, agents._current(), SHORT, 3.0, Tally())


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_nothing_but_a_get_is_ever_sent_again(agents, method):
    async def agent(visit):
        if visit.request.method == "GET":
            await visit.json(account())
        else:
            visit.reset()

    async with serving(agent) as server:
        call = await call_on(agents, server)
        with pytest.raises(errors.ConnectionLost):
            await call.send(method, "/positions")
        assert server.paths == ["GET /accounts", f"{method} /positions"]


async def test_a_fresh_request_opens_its_own_connection_and_closes_it(agents, server):
    call = await call_on(agents, server)
    await call.send("POST", "/positions", fresh=True)
    await call.send("POST", "/positions", fresh=True)
    assert [request.connection for request in server.requests] == [1, 2, 3]
    await until(lambda: server.writers[2].is_closing())
    assert not server.writers[0].is_closing()
    assert agents.statistics().idle == 1


async def test_every_agent_keeps_its_connection_from_poll_to_poll(make_client):
    """At 300 agents behind one host and port, which is where other pools evict."""
    # All connect at once, on a machine that may have other work.
    agents = make_client(connect_timeout=60.0, pool_timeout=60.0, deadline=60.0, read_timeout=60.0)
    arrived = asyncio.Barrier(300)

    async def agent(visit):
        await arrived.wait()
        await visit.send(response(b'{"account_number":1,"balance":1,"has_open_position":false}'))

    async with serving(agent) as server:
        for _ in range(3):
            endpoints = [endpoint(f"{server.url}/agents/{n}") for n in range(300)]
            await asyncio.gather(*map(agents.read, endpoints))
        statistics = agents.statistics()
        assert server.connections == statistics.opened == 300
        assert statistics.reused == 600
        assert statistics.requests == 900
        assert statistics.idle == 300


async def test_a_connection_is_kept_no_longer_than_the_setting_says(make_client, server):
    client = make_client(keepalive=0.05)
    await client.read(endpoint(server.url))
    await until(lambda: client.statistics().idle == 0)
    await client.read(endpoint(server.url))
    assert server.connections == 2


async def test_the_client_connects_anew_each_time_to_an_agent_that_keeps_nothing(agents):
    async def agent(visit):
        await visit.send(
            response(
                b'{"account_number":1,"balance":1,"has_open_position":false}',
                headers=("Connection: close",),
            )
        )
        visit.writer.close()

    async with serving(agent) as server:
        for _ in range(3):
            await agents.read(endpoint(server.url))
        assert server.connections == 3
    assert agents.statistics().idle == 0


async def test_a_pool_in_order_passes_its_check_and_is_kept(agents, server):
    assert await agents.check()
    await agents.read(endpoint(server.url))
    assert await agents.check()
    await agents.read(endpoint(server.url))
    assert (server.connections, agents.statistics().recreated) == (1, 0)


async def test_a_pool_that_was_closed_underneath_is_replaced(agents, server):
    await agents.read(endpoint(server.url))
    await agents._current().close()
    assert not await agents.check()
    assert await agents.check()
    assert await agents.read(endpoint(server.url))
    assert agents.statistics().recreated == 1


async def test_a_broken_pool_is_found_and_replaced_without_anyone_asking(make_client, server):
    client = make_client(check_every=0.005)
    await client.read(endpoint(server.url))
    await client._current().close()
    await until(lambda: client.statistics().recreated == 1)
    checks = client.statistics().checks
    await until(lambda: client.statistics().checks > checks)
    assert await client.read(endpoint(server.url))
    assert (client.statistics().recreated, client.statistics().errors) == (1, {})


async def test_a_closed_client_checks_nothing_any_longer(make_client, server):
    client = make_client(check_every=0.005)
    await client.read(endpoint(server.url))
    await client.close()
    checking = client._checking
    assert checking is not None
    await until(checking.done)


async def test_a_pool_that_leaks_connections_is_replaced_and_running_calls_end_on_it(agents):
    release = asyncio.Event()

    async def agent(visit):
        await release.wait()
        await visit.json(account())

    async with serving(agent) as server:
        running = asyncio.ensure_future(agents.read(endpoint(server.url)))
        await server.arrived.wait()
        lost = ResponseHandler(asyncio.get_running_loop())
        lost.connection_lost(None)
        agents._current()._connector._acquired.add(lost)
        assert not await agents.check()
        release.set()
        assert await running
        assert await agents.read(endpoint(server.url))
        assert server.connections == 2
        agents_pools = agents.statistics()
    assert (agents_pools.recreated, agents_pools.idle, agents_pools.errors) == (1, 1, {})


async def test_a_closed_client_leaves_no_connection_behind(make_client, server):
    client = make_client()
    await client.read(endpoint(server.url))
    await client.close()
    await until(lambda: server.writers[0].is_closing())
    assert client.closed
    gc.collect()
