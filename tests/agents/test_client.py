import asyncio
import gc
import os
import signal
import sys
from contextlib import AsyncExitStack

import pytest

import accounts.agents
from accounts.agents import errors
from accounts.agents.client import AgentClient
from mt5monitor import loop
from tests.agents.conftest import endpoint
from tests.agents.servers import ACCOUNT_JSON, account, serving, telling


async def test_one_bad_agent_has_no_effect_on_the_others(make_client):
    client = make_client(deadline=2.0)

    async def hang(visit):
        await visit.reader.read()

    async with serving(hang) as bad, serving(telling({"/accounts": ACCOUNT_JSON})) as good:
        urls = [bad.url, good.url] * 20
        results = await asyncio.gather(
            *(client.read(endpoint(url)) for url in urls), return_exceptions=True
        )
    assert all(isinstance(result, errors.TimedOut) for result in results[::2])
    assert all(result.accounts[0].number == 1 for result in results[1::2])


async def test_calls_beyond_the_slots_wait_are_counted_and_do_not_blame_the_agent(make_client):
    client = make_client(max_concurrency=2, pool_timeout=0.2, deadline=5.0)
    release = asyncio.Event()

    async def agent(visit):
        await release.wait()
        await visit.json(account())

    async with serving(agent) as server:
        calls = [asyncio.ensure_future(client.read(endpoint(server.url))) for _ in range(3)]
        await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        assert client.statistics().in_use == 2
        (failed,) = (call for call in calls if call.done())
        assert isinstance(failed.exception(), errors.PoolTimedOut)
        late = asyncio.ensure_future(client.read(endpoint(server.url)))
        await asyncio.sleep(0)
        assert client.statistics().waiting == 1
        release.set()
        await late
        await asyncio.gather(*(call for call in calls if call is not failed))
    statistics = client.statistics()
    assert (statistics.in_use, statistics.waiting) == (0, 0)


async def test_a_cancelled_call_gives_its_slot_and_its_connection_back(make_client):
    client = make_client(max_concurrency=1)

    async def agent(visit):
        if len(server.requests) == 1:
            await visit.reader.read()
        await visit.json(account())

    async with serving(agent) as server:
        call = asyncio.ensure_future(client.read(endpoint(server.url)))
        await server.arrived.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert await client.check()
        await client.read(endpoint(server.url))


async def test_a_contract_that_there_is_not_is_our_mistake(agents):
    with pytest.raises(ValueError, match="no contract '3'"):
        await agents.read(endpoint("http://10.0.0.1", "3"))


@pytest.fixture
def _own_loop(settings):
    settings.AGENTS = {"ALLOWED_NETWORKS": ["127.0.0.0/8"]}
    loop.stop()
    yield
    loop.stop()


@pytest.mark.usefixtures("_own_loop")
def test_the_client_of_a_process_is_one_until_the_loop_stops():
    first = accounts.agents.client()
    assert accounts.agents.client() is first
    loop.stop()
    assert first.closed
    assert accounts.agents.client() is not first


@pytest.mark.usefixtures("_own_loop")
def test_a_fork_leaves_the_connections_of_the_parent_alone():
    """What a child closes of its parent's client, it closes in the parent's own selector."""

    async def start():
        return await stack.enter_async_context(serving(telling({"/accounts": ACCOUNT_JSON})))

    stack = AsyncExitStack()
    server = loop.run(start())
    client = accounts.agents.client()
    loop.run(client.read(endpoint(server.url)))
    child = os.fork()
    if not child:
        try:
            accounts.agents.client()
            del client
            gc.collect()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert loop.run(client.read(endpoint(server.url)), timeout=5)
    assert client.statistics().reused == 1
    loop.run(stack.aclose())


@pytest.mark.usefixtures("_own_loop")
def test_a_forked_child_makes_a_client_of_its_own():
    first = accounts.agents.client()
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            other = accounts.agents.client()
            assert isinstance(other, AgentClient)
            os.write(write, b"other" if other is not first else b"same")
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as said:
        assert said.read() == b"other"
    os.waitpid(child, 0)
    assert accounts.agents.client() is first


@pytest.mark.usefixtures("_own_loop")
def test_a_child_forked_while_the_client_was_being_made_does_not_wait_for_ever():
    read, write = os.pipe()
    with sys.modules["accounts.agents.client"]._lock:
        child = os.fork()
        if not child:
            try:
                signal.alarm(5)
                accounts.agents.client()
                os.write(write, b"made")
            finally:
                os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as said:
        assert said.read() == b"made"
    os.waitpid(child, 0)
