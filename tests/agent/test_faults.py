"""How agents misbehave: on order, and by themselves."""

import asyncio
import gzip

import httpx
import pytest

from agent.fleet import Fleet, Nuisance
from agent.members import Member, derived_secret
from agent.server import ABORT
from tests.agent.parts import SEED, MonitorSignature, TurnedClock, fleet_of


async def order(client: httpx.AsyncClient, index: int, state: str, **more: float) -> None:
    response = await client.post(f"/control/agents/{index}", json={"state": state, **more})
    assert response.json() == {"index": index, "state": state}


@pytest.mark.parametrize(
    ("state", "status", "text"),
    [
        ("error", 500, "Internal Server Error"),
        ("html", 200, "<h1>Sign in</h1>"),
        ("redirect", 307, ""),
        ("text", 200, '"account_number": "12x"'),
        ("zero", 200, '"account_number": 0'),
        ("disconnected", 200, '"account_number": 0'),
        ("nan", 200, '"balance": NaN'),
        ("markup", 200, "<img src=x"),
    ],
)
async def test_an_agent_misbehaves_on_order_and_recovers(
    client: httpx.AsyncClient, state: str, status: int, text: str
) -> None:
    await order(client, 1, state)
    response = await client.get("/agents/1/accounts")
    assert response.status_code == status
    assert text in response.text
    assert (await client.get("/agents/5/accounts")).json()["account_number"]
    await order(client, 1, "up")
    account = (await client.get("/agents/1/accounts")).json()
    assert account["account_number"] > 0
    assert "<" not in account["account_name"]


async def test_unreadable_positions_on_order(client: httpx.AsyncClient) -> None:
    await order(client, 2, "unreadable")
    auth = MonitorSignature(derived_secret(SEED, 2))
    response = await client.get("/agents/2/v2/state", auth=auth)
    assert response.json()["type"] == "positions-unreadable"


async def test_a_forged_answer_has_another_signature(client: httpx.AsyncClient) -> None:
    await order(client, 2, "forged")
    auth = MonitorSignature(derived_secret(SEED, 2))
    response = await client.get("/agents/2/v2/state", auth=auth)
    assert response.status_code == 200
    assert response.headers["signature"] == f"sig1=:{'A' * 43}=:"


async def test_a_slow_agent_takes_the_seconds_it_was_told(
    client: httpx.AsyncClient, slept: list[float]
) -> None:
    await order(client, 1, "slow", seconds=2.5)
    assert (await client.get("/agents/1/accounts")).status_code == 200
    assert slept == [2.5]


async def test_latency_is_added_to_every_answer(clock: TurnedClock, slept: list[float]) -> None:
    _, client = fleet_of(2, clock, latency=0.05)
    await client.get("/agents/1/health")
    await client.get("/agents/2/v2/ping")
    assert slept == [0.05, 0.05]


async def test_huge_and_packed_answers_are_as_large_as_promised(
    client: httpx.AsyncClient,
) -> None:
    await order(client, 1, "huge")
    assert len((await client.get("/agents/1/accounts")).content) > 50_000_000
    await order(client, 1, "bomb")
    async with client.stream("GET", "/agents/1/accounts") as response:
        packed = b"".join([chunk async for chunk in response.aiter_raw()])
    assert len(packed) < 100_000
    assert len(gzip.decompress(packed)) > 50_000_000


async def test_a_dripping_agent_sends_byte_after_byte(
    client: httpx.AsyncClient, members: list[Member], slept: list[float]
) -> None:
    chunks: list[bytes] = []

    async def send(message: dict[str, object]) -> None:
        body = message.get("body", b"")
        assert isinstance(body, bytes)
        chunks.append(body)
        if len(chunks) == 10:
            raise OSError("the client has gone")

    members[0].enter("drip")
    scope = {"type": "http", "method": "GET", "path": "/agents/1/accounts", "headers": []}
    with pytest.raises(BaseException):  # noqa: B017, PT011 - wrapped in whatever Starlette uses
        await Fleet(members, Nuisance())(scope, never, send)  # type: ignore[arg-type]
    assert {len(chunk) for chunk in chunks[1:]} == {1}
    assert set(slept) == {1}


async def never() -> dict[str, object]:
    await asyncio.Event().wait()
    raise AssertionError


async def test_an_agent_that_is_down_drops_the_connection(members: list[Member]) -> None:
    dropped: list[bool] = []
    members[0].enter("down")
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/agents/1/accounts",
        ABORT: lambda: dropped.append(True),
    }

    async def gone() -> dict[str, object]:
        return {"type": "http.disconnect"}

    async def send(message: object) -> None:
        pytest.fail("an agent that is down has nothing to say")

    await Fleet(members, Nuisance())(scope, gone, send)
    assert dropped == [True]


async def test_faults_happen_at_their_rate_and_the_same_for_the_same_seed(
    clock: TurnedClock,
) -> None:
    async def statuses() -> list[int]:
        _, client = fleet_of(1, clock, fault_rate=0.3)
        return [(await client.get("/agents/1/health")).status_code for _ in range(200)]

    first = await statuses()
    assert first == await statuses()
    assert 20 < sum(status != 200 for status in first) < 100


async def test_disconnects_happen_at_their_rate_and_pass(clock: TurnedClock) -> None:
    members, client = fleet_of(1, clock, disconnect_rate=1.0)
    account = (await client.get("/agents/1/accounts")).json()
    assert account["status"] == "disconnected"
    pause = members[0].terminal.dropped_until - clock()
    assert 5 <= pause <= 30


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were asked for; none of them is waited for."""
    pauses: list[float] = []
    real = asyncio.sleep

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        await real(0)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    return pauses
