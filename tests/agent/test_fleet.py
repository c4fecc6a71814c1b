"""Many agents in one process: who is where, what each serves, and how it misbehaves."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from agent.fleet import (
    Fleet,
    Member,
    Nuisance,
    build_members,
    derived_secret,
    main,
    parse,
    read_secrets,
)
from agent.server import ABORT
from tests.agent.parts import MonitorSignature, TurnedClock, fleet_of

SEED = "a demo"
DEMO_2 = b"1b2c24697fa11facbb5fb13191b25dcfb8b9510fe428662370081a260887189e"


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def fleet(clock: TurnedClock) -> tuple[list[Member], httpx.AsyncClient]:
    return fleet_of(20, clock, secret_seed=SEED)


@pytest.fixture
def members(fleet: tuple[list[Member], httpx.AsyncClient]) -> list[Member]:
    return fleet[0]


@pytest.fixture
async def client(
    fleet: tuple[list[Member], httpx.AsyncClient],
) -> AsyncIterator[httpx.AsyncClient]:
    async with fleet[1] as client:
        yield client


async def order(client: httpx.AsyncClient, index: int, state: str, **more: float) -> None:
    response = await client.post(f"/control/agents/{index}", json={"state": state, **more})
    assert response.json() == {"index": index, "state": state}


async def test_the_root_lists_every_agent(client: httpx.AsyncClient, members: list[Member]) -> None:
    agents = (await client.get("/")).json()["agents"]
    assert [agent["index"] for agent in agents] == list(range(1, 21))
    assert agents[4] == {
        "index": 5,
        "name": members[4].agent.name,
        "path": "/agents/5",
        "contract": "1",
        "login": members[4].terminal.account.login,
    }


async def test_odd_agents_speak_v1_only_and_even_ones_v2_only(client: httpx.AsyncClient) -> None:
    for index in range(1, 21):
        old = (await client.get(f"/agents/{index}/health")).status_code
        new = (await client.get(f"/agents/{index}/v2/ping")).status_code
        assert (old, new) == ((200, 404) if index % 2 else (404, 200))


@pytest.mark.parametrize("contract", ["1", "2"])
async def test_a_fleet_may_speak_one_contract_only(clock: TurnedClock, contract: str) -> None:
    members, client = fleet_of(4, clock, contract=contract)
    assert {member.contract for member in members} == {contract}
    path = "health" if contract == "1" else "v2/ping"
    for index in range(1, 5):
        assert (await client.get(f"/agents/{index}/{path}")).status_code == 200


async def test_each_agent_serves_its_own_account(
    client: httpx.AsyncClient, members: list[Member]
) -> None:
    for member in members:
        login = member.terminal.account.login
        if member.contract == "2":
            secret = derived_secret(SEED, member.index)
            response = await client.get(f"{member.path}/v2/state", auth=MonitorSignature(secret))
            assert response.json()["login"] == login
        else:
            assert str(login) in (await client.get(f"{member.path}/accounts")).text


async def test_a_signature_for_one_agent_does_not_open_another(client: httpx.AsyncClient) -> None:
    auth = MonitorSignature(derived_secret(SEED, 2))
    assert (await client.get("/agents/2/v2/state", auth=auth)).status_code == 200
    assert (await client.get("/agents/4/v2/state", auth=auth)).status_code == 401


def test_a_secret_is_the_hexadecimal_text_of_an_hmac() -> None:
    # Worked out with `printf agent-2 | openssl dgst -sha256 -hmac demo`.
    assert derived_secret("demo", 2) == DEMO_2
    assert derived_secret("demo", 2) != derived_secret("demo", 4)


async def test_a_few_agents_of_v1_are_of_older_kinds(client: httpx.AsyncClient) -> None:
    assert isinstance((await client.get("/agents/7/accounts")).json(), list)
    assert list((await client.get("/agents/13/accounts")).json()) == ["accounts"]
    assert (await client.get("/agents/19/positions")).status_code == 404
    assert (await client.get("/agents/3/accounts")).json()["account_holder"] is None
    assert (await client.get("/agents/9/accounts")).json()["account_holder"] == "Unknown"
    assert (await client.get("/agents/11/accounts")).json()["prop_firm"] == "N/A"
    assert (await client.get("/agents/17/accounts")).json()["initial_balance"] is None


async def test_older_kinds_may_be_left_out(clock: TurnedClock) -> None:
    _, client = fleet_of(20, clock, older=False)
    for index in range(1, 21, 2):
        account = (await client.get(f"/agents/{index}/accounts")).json()
        assert account["account_number"]
        assert (await client.get(f"/agents/{index}/positions")).status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/agents/0/", "/agents/21/", "/agents/x/", "/agents/01/", "/agents/²/", "/agents/", "/x"],
)
async def test_agents_that_do_not_exist_are_404(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


async def test_without_control_nobody_changes_a_state(clock: TurnedClock) -> None:
    _, client = fleet_of(2, clock, control=False)
    response = await client.post("/control/agents/1", json={"state": "error"})
    assert response.status_code == 404
    assert (await client.get("/agents/1/health")).status_code == 200


@pytest.mark.parametrize(
    ("method", "body", "status"),
    [
        ("POST", '{"state": "sideways"}', 400),
        ("POST", "not json", 400),
        ("POST", "[1]", 400),
        ("POST", '{"state": "slow", "seconds": "x"}', 400),
        ("GET", "", 405),
    ],
)
async def test_an_order_that_makes_no_sense_changes_nothing(
    client: httpx.AsyncClient, members: list[Member], method: str, body: str, status: int
) -> None:
    response = await client.request(method, "/control/agents/1", content=body)
    assert response.status_code == status
    assert members[0].state == "up"


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


def test_given_secrets_come_first(tmp_path: Path, clock: TurnedClock) -> None:
    path = tmp_path / "secrets.json"
    path.write_text(json.dumps({"2": "given"}))
    members = build_members(4, secrets=read_secrets(str(path)), secret_seed=SEED, clock=clock)
    assert members[1].agent.secret == b"given"
    assert members[3].agent.secret == derived_secret(SEED, 4)
    assert members[0].agent.secret is None


@pytest.mark.parametrize("content", ["[]", "{", '{"x": "y"}'])
def test_a_bad_file_of_secrets_is_one_clear_line(
    tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "secrets.json"
    path.write_text(content)
    assert main(["--secrets", str(path)]) == 1
    assert capsys.readouterr().err.startswith(f"{path}: ")
    assert main(["--secrets", str(tmp_path / "none")]) == 1


def test_the_command_line_has_the_defaults_of_the_demo() -> None:
    options = parse([])
    assert (options.agents, options.port, options.host, options.seed) == (69, 9100, "127.0.0.1", 1)
    assert (options.keep_alive, options.contract, options.control) == (75, "mixed", False)


async def test_five_thousand_agents_fit_in_one_process(clock: TurnedClock) -> None:
    members, client = fleet_of(5_000, clock)
    assert (await client.get("/agents/5000/v2/ping")).status_code == 200
    assert len({member.terminal.account.login for member in members}) == 5_000
