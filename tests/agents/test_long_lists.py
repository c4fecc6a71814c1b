"""Accounts with thousands of positions, at the agents that users install, over HTTP."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from accounts.agents import AgentClient
from accounts.agents.errors import TooLarge
from tests.agents.conftest import MakeClient, endpoint
from tests.agents.servers import POSITION, Visit, account, positions, response, serving
from tests.venue import SYMBOL, Venue

CONTRACTS = pytest.mark.parametrize("contract", ["1", "2"])


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Venue]:
    with Venue(tmp_path) as running:
        yield running


def hold(venue: Venue, contract: str, count: int) -> None:
    """As other programs would have opened them: lots of a hundredth, at the price of now."""
    held = venue.member(contract).terminal.account
    quote = held.market.quote(SYMBOL)
    assert quote is not None
    while len(held.positions) < count:
        held.open(quote.symbol, 0, 0.01, held.market.now)


@CONTRACTS
@pytest.mark.parametrize("count", [1000, 3000])
async def test_thousands_of_positions_are_read_whole(
    make_client: MakeClient, running: Venue, contract: str, count: int
) -> None:
    hold(running, contract, count)
    agents = make_client(deadline=30.0, read_timeout=30.0)
    reading = await agents.read(running.endpoint(contract))
    assert reading is not None
    (told,) = reading.accounts
    assert told.positions_error == ""
    assert told.positions is not None
    assert len(told.positions) == count


async def holding(visit: Visit, count: int, gate: asyncio.Event | None = None) -> None:
    if visit.request.path == "/accounts":
        await visit.json(account(has_open_position=True))
        return
    listed = [{**POSITION, "ticket": n + 1} for n in range(count)]
    body = response(json.dumps(positions(*listed)).encode())
    await visit.send(body[: len(body) // 2])
    if gate is not None:
        await gate.wait()
    await visit.send(body[len(body) // 2 :])


async def test_a_list_beyond_the_limit_is_said_to_be_too_large_by_its_setting(
    make_client: MakeClient,
) -> None:
    agents = make_client(max_reading_bytes=400_000)
    async with serving(lambda visit: holding(visit, 3000)) as server:
        reading = await agents.read(endpoint(server.url))
    assert reading is not None
    why = reading.accounts[0].positions_error
    assert "The answer is larger than 390 KB." in why
    assert "AGENT_MAX_READING_BYTES" in why


async def test_what_is_short_by_nature_has_a_limit_of_its_own(agents: AgentClient) -> None:
    async def agent(visit: Visit) -> None:
        await visit.send(response(b" " * 300_000))

    async with serving(agent) as server:
        with pytest.raises(TooLarge, match="larger than 256 KB.*AGENT_MAX_BODY_BYTES"):
            await agents.symbol(endpoint(server.url), "EURUSD")


async def test_only_so_many_long_lists_are_in_memory_at_once(make_client: MakeClient) -> None:
    """One holds the only place until it is whole; the next one waits for it, a short one does
    not."""
    agents = make_client(long_readings=1, pool_timeout=0.2, max_body_bytes=50_000)
    gate = asyncio.Event()
    async with (
        serving(lambda visit: holding(visit, 2000, gate)) as first,
        serving(lambda visit: holding(visit, 2000)) as second,
        serving(lambda visit: holding(visit, 10)) as short,
    ):
        reading = asyncio.create_task(agents.read(endpoint(first.url)))
        while not agents._long.in_use:
            await asyncio.sleep(0.01)
        other = await agents.read(endpoint(second.url))
        assert other is not None
        assert "AGENT_LONG_READINGS" in other.accounts[0].positions_error
        assert (await agents.read(endpoint(short.url))).accounts[0].positions  # type: ignore[union-attr]
        gate.set()
        whole = await reading
        assert whole is not None
        assert len(whole.accounts[0].positions or ()) == 2000
        assert agents._long.in_use == 0
