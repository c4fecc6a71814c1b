"""Agents that go on talking on a connection on which nobody has asked for anything."""

import asyncio
import json
from collections.abc import Callable
from decimal import Decimal

import pytest
from aiohttp.client_proto import ResponseHandler

from accounts.agents import AgentClient, errors
from tests.agents.conftest import endpoint
from tests.agents.servers import Visit, account, response, serving, telling

HEALTHY = telling({"/accounts": account()})
FORGED = response(json.dumps(account(balance=666.0)).encode())


def idle(client: AgentClient) -> ResponseHandler:
    """The one connection that is kept."""
    assert client._pool is not None
    [[(protocol, _)]] = client._pool._connector._conns.values()
    return protocol


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("unasked", [FORGED, FORGED[:30], FORGED[30:], b"\r\n", FORGED * 500])
async def test_what_an_agent_says_unasked_is_never_the_answer_to_the_next_request(
    agents: AgentClient, unasked: bytes
) -> None:
    async with serving(HEALTHY) as server:
        await agents.read(endpoint(server.url))
        kept = idle(agents)
        server.writers[0].write(unasked)
        await until(lambda: kept.should_close)
        reading = await agents.read(endpoint(server.url))
        assert reading is not None
        assert reading.accounts[0].balance == Decimal("100250.50")
        assert server.connections == 2


async def test_two_answers_to_one_request_spoil_the_connection(agents: AgentClient) -> None:
    async with serving(telling({"/accounts": FORGED * 2})) as server:
        for _ in range(2):
            await agents.read(endpoint(server.url))
        assert server.connections == 2


async def test_an_idle_agent_that_never_stops_talking_is_not_listened_to(
    agents: AgentClient,
) -> None:
    async with serving(HEALTHY) as server:
        await agents.read(endpoint(server.url))
        kept = idle(agents)
        server.writers[0].write(FORGED * 20_000)
        await until(lambda: kept.transport is not None and not kept.transport.is_reading())
        assert not kept._buffer
        assert len(kept._tail) < 1_000_000


async def endless_interim_answers(visit: Visit) -> None:
    while True:
        await visit.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)


async def test_interim_answers_without_an_end_are_cut_off(agents: AgentClient) -> None:
    async with serving(endless_interim_answers) as server:
        with pytest.raises(errors.TooLarge, match="too large"):
            await agents.read(endpoint(server.url))


async def test_a_few_interim_answers_are_passed_over(agents: AgentClient) -> None:
    hint = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    healthy = response(json.dumps(account()).encode())
    async with serving(telling({"/accounts": hint * 3 + healthy})) as server:
        reading = await agents.read(endpoint(server.url))
        assert reading is not None
        assert reading.accounts[0].number == 5001
