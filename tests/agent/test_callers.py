"""Pages of the web cannot use an agent of contract 1, whatever they have a browser do."""

import re
from pathlib import Path

import httpx
import pytest

from agent.app import AgentApp
from agent.body import LARGEST_BODY
from agent.callers import why_refused
from tests.agent.parts import client_of, fleet_of
from tests.agent.trading import TradingDesk

ORDER = b'{"symbol": "EURUSD", "lot": 0.1, "order_type": "BUY"}'
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def desk(tmp_path: Path) -> TradingDesk:
    return TradingDesk(tmp_path, trades_over_v1=True)


@pytest.fixture
def client(desk: TradingDesk) -> httpx.AsyncClient:
    return client_of(desk.agent, "1")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Host": "evil.example"},
        {"Host": "evil.example:8000"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "evil.example."},
        {"Host": "10.0.0.5@evil.example"},
    ],
)
async def test_a_page_of_the_web_neither_trades_nor_reads(
    desk: TradingDesk, client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    for method, path in (("POST", "/positions/open"), ("POST", "/refresh"), ("GET", "/accounts")):
        answer = await client.request(method, path, content=ORDER, headers=JSON | headers)
        assert answer.status_code == 403, path
        assert list(answer.json()) == ["detail"]
        assert str(desk.account.login) not in answer.text
    assert not desk.account.positions


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain; application/json",
        "application/jsonp",
        "",
    ],
)
async def test_a_trade_comes_as_json_which_no_form_of_a_page_can_send(
    desk: TradingDesk, client: httpx.AsyncClient, kind: str
) -> None:
    answer = await client.post("/positions/open", content=ORDER, headers={"Content-Type": kind})
    assert answer.status_code == 422
    assert "Content-Type" in answer.text
    assert not desk.account.positions


@pytest.mark.parametrize(
    "host",
    ["agent", "127.0.0.1:8000", "[::1]:8000", "10.0.0.5", "localhost", "vps-3:9000", "VPS_3"],
)
async def test_a_program_trades_by_an_address_or_a_short_name(
    desk: TradingDesk, client: httpx.AsyncClient, host: str
) -> None:
    answer = await client.post("/positions/open", content=ORDER, headers=JSON | {"Host": host})
    assert answer.status_code == 200
    assert len(desk.account.positions) == 1


async def test_an_address_typed_by_hand_is_answered(client: httpx.AsyncClient) -> None:
    assert (await client.get("/health", headers={"Sec-Fetch-Site": "none"})).status_code == 200


async def test_a_name_that_the_agent_was_given_is_its_own(desk: TradingDesk) -> None:
    app = AgentApp("1", desk.agent, ["VPS3.example.com"])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
        assert (await client.get("http://vps3.example.com:8000/health")).status_code == 200
        refused = await client.get("http://vps4.example.com:8000/health")
    assert refused.status_code == 403
    assert "--host-name" in refused.json()["detail"]


async def test_a_body_without_an_end_is_not_kept(client: httpx.AsyncClient) -> None:
    content = b'{"symbol": "' + b"a" * LARGEST_BODY + b'"}'
    answer = await client.post("/positions/open", content=content, headers=JSON)
    assert answer.status_code == 413


async def test_a_page_does_not_steer_a_simulated_fleet() -> None:
    _, client = fleet_of(1)
    async with client:
        for headers in ({"Origin": "null"}, {"Host": "evil.example"}):
            path = "/control/agents/1"
            answer = await client.post(path, json={"state": "down"}, headers=headers)
            assert answer.status_code == 403
        assert (await client.get("/agents/1/health")).status_code == 200


def test_who_names_no_host_is_no_browser() -> None:
    assert why_refused({"headers": []}) == ""


def test_every_package_of_the_agent_is_pinned_with_its_hashes() -> None:
    folder = Path("agent")
    asked = re.findall(r"(?m)^([\w-]+)", (folder / "requirements.in").read_text().lower())
    pinned = (folder / "requirements.txt").read_text()
    blocks = re.split(r"\n(?=\w)", pinned)[1:]
    assert {block.partition("==")[0] for block in blocks} >= set(asked)
    assert all("==" in block and "--hash=sha256:" in block for block in blocks)
