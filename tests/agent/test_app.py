"""Which contract answers at which address, and what becomes of failures of our own."""

import httpx
import pytest

from agent.agent import Agent
from tests.agent.parts import (
    MonitorSignature,
    TurnedClock,
    client_of,
    one_agent,
    problem_of,
    signing_client_of,
    terminal_of,
)


@pytest.fixture
def agent(clock: TurnedClock) -> Agent:
    return one_agent(clock, seed=3)


@pytest.fixture
def client(agent: Agent) -> httpx.AsyncClient:
    return signing_client_of(agent)


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("GET", "/v2/orders", 405, "method-not-allowed"),
        ("GET", "/v2/orders/abc/def", 404, "not-found"),
        ("POST", "/v2/orders/abc", 405, "method-not-allowed"),
        ("GET", "/v2", 404, "not-found"),
        ("GET", "/v2/refresh", 405, "method-not-allowed"),
        ("DELETE", "/v2/state", 405, "method-not-allowed"),
    ],
)
async def test_an_address_that_is_not_served_is_a_signed_problem(
    client: httpx.AsyncClient, method: str, path: str, status: int, kind: str
) -> None:
    response = await client.request(method, path)
    assert response.status_code == status
    assert problem_of(response) == kind


async def test_a_failure_of_our_own_is_a_signed_problem_and_logged(
    client: httpx.AsyncClient,
    agent: Agent,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(self: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(type(terminal_of(agent)), "account_info", broken)
    response = await client.get("/v2/state")
    assert response.status_code == 500
    assert problem_of(response) == "internal-error"
    assert "ZeroDivisionError" in caplog.text


async def test_a_request_that_is_too_large_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.post("/v2/refresh", content=b"x" * 70_000)
    assert response.status_code == 413
    assert problem_of(response) == "body-too-large"


async def test_v1_addresses_do_not_exist_on_an_agent_of_v2(agent: Agent) -> None:
    client = client_of(agent, "2")
    for path in ("/", "/accounts", "/positions"):
        assert (await client.get(path)).status_code == 404


async def test_an_agent_may_serve_both_contracts(agent: Agent) -> None:
    client = client_of(agent, "both")
    account = (await client.get("/accounts")).json()
    response = await client.get("/v2/state", auth=MonitorSignature(agent.secret or b""))
    assert response.json()["login"] == account["account_number"]
