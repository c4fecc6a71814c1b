"""Many agents in one process: who is where, what each serves, and how it misbehaves."""

import json
from pathlib import Path

import httpx
import pytest

from agent.fleet import main, parse
from agent.members import Member, build_members, derived_secret, read_secrets
from tests.agent.parts import SEED, MonitorSignature, TurnedClock, fleet_of

DEMO_2 = b"1b2c24697fa11facbb5fb13191b25dcfb8b9510fe428662370081a260887189e"


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
        ("POST", "[" * 50_000, 400),
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


async def test_a_page_of_the_web_cannot_change_a_state(client: httpx.AsyncClient) -> None:
    headers = {"Origin": "https://evil.example", "Content-Type": "text/plain"}
    content = '{"state": "error"}'
    answer = await client.post("/control/agents/1", content=content, headers=headers)
    assert answer.status_code == 403
    assert (await client.get("/agents/1/health")).status_code == 200


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
