"""Contract v2: every call, its errors as signed problems, and when the ETag changes."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from agent.agent import Agent
from agent.broker_clock import BrokerClock
from tests.agent.parts import (
    START,
    TurnedClock,
    client_of,
    one_agent,
    problem_of,
    signing_client_of,
    terminal_of,
)

MOMENT = datetime.fromtimestamp(START, UTC)
STATE_FIELDS = {
    "login", "server", "company", "name", "currency", "currency_digits", "margin_mode",
    "leverage", "balance",
    "credit", "equity", "margin", "margin_free", "margin_level", "profit", "connected",
    "trade_allowed", "expert_allowed", "days_operating", "broker_utc_offset_s", "as_of",
    "positions",
}  # fmt: skip
POSITION_FIELDS = {
    "ticket", "identifier", "symbol", "type", "volume", "open_price", "current_price", "sl", "tp",
    "profit", "swap", "open_time", "comment", "magic", "contract_size",
}  # fmt: skip


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def agent(clock: TurnedClock) -> Agent:
    return one_agent(clock, seed=3)


@pytest.fixture
def client(agent: Agent) -> httpx.AsyncClient:
    return signing_client_of(agent)


async def test_a_ping_needs_no_signature_and_gives_none(agent: Agent) -> None:
    response = await client_of(agent, "2").get("/v2/ping")
    assert response.json() == {"contract": "2", "agent": "Test 1"}
    assert "signature" not in response.headers


async def test_the_state_carries_every_field_of_the_contract(
    client: httpx.AsyncClient, agent: Agent
) -> None:
    account = terminal_of(agent).account
    state = (await client.get("/v2/state")).json()
    assert set(state) == STATE_FIELDS
    assert (state["login"], state["server"]) == (account.login, account.firm.server)
    assert state["equity"] == pytest.approx(state["balance"] + state["profit"])
    assert state["broker_utc_offset_s"] == account.firm.offset
    assert state["as_of"] == "2026-03-04T10:00:00.000Z"
    assert state["margin_mode"] in ("hedging", "netting")
    assert state["positions"]
    for position in state["positions"]:
        assert set(position) == POSITION_FIELDS


async def test_broker_times_are_told_in_utc(client: httpx.AsyncClient, agent: Agent) -> None:
    account = terminal_of(agent).account
    state = (await client.get("/v2/state")).json()
    for position in state["positions"]:
        opened = datetime.fromisoformat(position["open_time"])
        assert int(opened.timestamp()) == account.positions[position["ticket"]].opened


async def test_floating_is_the_profit_and_swap_of_the_positions(client: httpx.AsyncClient) -> None:
    state = (await client.get("/v2/state")).json()
    floating = sum(position["profit"] + position["swap"] for position in state["positions"])
    assert state["profit"] == pytest.approx(floating)


async def test_an_unchanged_state_is_304_and_still_signed(
    client: httpx.AsyncClient, agent: Agent, clock: TurnedClock
) -> None:
    etag = (await client.get("/v2/state")).headers["etag"]
    # Less than a tick later nothing has moved but the time of the reading.
    clock.turn(0.9)
    again = await client.get("/v2/state")
    assert again.headers["etag"] == etag
    assert again.json()["as_of"].endswith(".900Z")
    unchanged = await client.get("/v2/state", headers={"If-None-Match": etag})
    assert unchanged.status_code == 304
    assert unchanged.content == b""
    assert unchanged.headers["etag"] == etag
    assert '"etag"' in unchanged.headers["signature-input"]
    assert "content-type" not in unchanged.headers


@pytest.mark.parametrize("header", ["*", 'W/{}, "other"', '"other", {}'])
async def test_if_none_match_takes_lists_weak_tags_and_a_star(
    client: httpx.AsyncClient, header: str
) -> None:
    etag = (await client.get("/v2/state")).headers["etag"]
    response = await client.get("/v2/state", headers={"If-None-Match": header.format(etag)})
    assert response.status_code == 304


async def test_the_etag_changes_if_and_only_if_the_state_does(
    client: httpx.AsyncClient, clock: TurnedClock
) -> None:
    tags: dict[str, str] = {}
    for _ in range(60):
        response = await client.get("/v2/state")
        state: dict[str, Any] = response.json()
        del state["as_of"]
        content = json.dumps(state, sort_keys=True)
        assert tags.setdefault(content, response.headers["etag"]) == response.headers["etag"]
        clock.turn(0.5)
    assert len(set(tags.values())) == len(tags) > 10


async def test_a_moved_state_is_sent_whole_despite_an_old_etag(
    client: httpx.AsyncClient, clock: TurnedClock
) -> None:
    etag = (await client.get("/v2/state")).headers["etag"]
    clock.turn(30)
    response = await client.get("/v2/state", headers={"If-None-Match": etag})
    assert response.status_code == 200
    assert response.headers["etag"] != etag


async def test_unreadable_positions_are_503_and_never_an_empty_list(
    client: httpx.AsyncClient, agent: Agent
) -> None:
    terminal_of(agent).positions_fail = True
    response = await client.get("/v2/state")
    assert response.status_code == 503
    assert problem_of(response) == "positions-unreadable"
    assert "Generic fail" in response.json()["detail"]


async def test_a_disconnected_terminal_is_503(client: httpx.AsyncClient, agent: Agent) -> None:
    terminal_of(agent).connected = False
    for method, path in [("GET", "/v2/state"), ("GET", "/v2/symbols/EURUSD")]:
        response = await client.request(method, path)
        assert response.status_code == 503
        assert problem_of(response) == "account-unreadable"
    assert problem_of(await client.post("/v2/refresh")) == "terminal-unavailable"


async def test_a_refresh_reconnects_a_dropped_terminal(
    client: httpx.AsyncClient, agent: Agent, clock: TurnedClock
) -> None:
    terminal_of(agent).dropped_until = clock() + 60
    assert (await client.get("/v2/state")).status_code == 503
    assert (await client.post("/v2/refresh")).json() == {"status": "success"}
    assert (await client.get("/v2/state")).status_code == 200


async def test_a_figure_that_is_not_a_number_is_unknown(
    client: httpx.AsyncClient, agent: Agent
) -> None:
    terminal_of(agent).balance_is_nan = True
    response = await client.get("/v2/state")
    assert "NaN" not in response.text
    assert response.json()["balance"] is None


async def test_a_symbol_is_specified_with_its_last_tick(
    client: httpx.AsyncClient, agent: Agent
) -> None:
    answer = (await client.get("/v2/symbols/US30")).json()
    tick = answer.pop("tick")
    assert answer == {
        "symbol": "US30",
        "description": "Wall Street 30 Index",
        "digits": 1,
        "point": 0.1,
        "tick_size": 0.1,
        "tick_value": 0.1,
        "volume_min": 0.1,
        "volume_max": 250.0,
        "volume_step": 0.1,
        "volume_limit": None,
        "stops_level": 20,
        "freeze_level": 0,
        "filling_modes": ["FOK", "IOC"],
        "trade_mode": "FULL",
        "contract_size": 1,
        "currency_base": "USD",
        "currency_profit": "USD",
        "currency_margin": "USD",
        "margin_buy": 388.5,
        "margin_sell": 388.5,
        "margin_hedged": 777.0,
        "profit_ticks": 1000,
        "profit": 100.0,
    }
    assert tick["ask"] > tick["bid"]
    assert tick["time"] == "2026-03-04T10:00:00.000Z"


async def test_an_unknown_symbol_is_404(client: httpx.AsyncClient) -> None:
    response = await client.get("/v2/symbols/EUR%23USD")
    assert response.status_code == 404
    assert problem_of(response) == "symbol-unknown"


async def test_deals_are_those_of_the_window_with_both_times(
    client: httpx.AsyncClient, agent: Agent
) -> None:
    offset = terminal_of(agent).account.firm.offset
    since, until = MOMENT - timedelta(days=3), MOMENT
    query = {"from": since.isoformat(), "to": until.isoformat()}
    answer = (await client.get("/v2/deals", params=query)).json()
    assert answer["login"] == terminal_of(agent).account.login
    assert answer["broker_utc_offset_s"] == offset
    assert len(answer["deals"]) > 2
    for deal in answer["deals"]:
        moment = datetime.fromisoformat(deal["time"])
        assert since <= moment <= until
        assert deal["broker_time_msc"] == int(moment.timestamp() + offset) * 1000
        assert deal["entry"] in ("IN", "OUT")
        assert deal["type"] in ("BUY", "SELL")


async def test_all_deals_together_are_the_balance(client: httpx.AsyncClient) -> None:
    query = {"from": (MOMENT - timedelta(days=200)).isoformat(), "to": MOMENT.isoformat()}
    deals = (await client.get("/v2/deals", params=query)).json()["deals"]
    total = sum(d["profit"] + d["swap"] + d["commission"] + d["fee"] for d in deals)
    assert deals[0]["type"] == "BALANCE"
    assert total == pytest.approx((await client.get("/v2/state")).json()["balance"])


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?from=2026-03-01T00:00:00Z",
        "?from=yesterday&to=2026-03-01T00:00:00Z",
        "?from=2026-03-01T00:00:00&to=2026-03-02T00:00:00Z",
        "?from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z",
        "?from=2020-03-02T00:00:00Z&to=2026-03-01T00:00:00Z",
        "?from=1900-03-02T00:00:00Z&to=1900-03-03T00:00:00Z",
    ],
)
async def test_a_bad_window_of_deals_is_400(client: httpx.AsyncClient, query: str) -> None:
    response = await client.get(f"/v2/deals{query}")
    assert response.status_code == 400
    assert problem_of(response) == "parameter-invalid"


async def test_while_the_broker_clock_is_unknown_deals_are_503_and_times_null(
    clock: TurnedClock,
) -> None:
    agent = one_agent(clock, seed=3, broker_clock=BrokerClock())
    client = signing_client_of(agent)
    query = {"from": "2026-03-01T00:00:00Z", "to": "2026-03-02T00:00:00Z"}
    response = await client.get("/v2/deals", params=query)
    assert problem_of(response) == "broker-time-unknown"
    state = (await client.get("/v2/state")).json()
    assert state["broker_utc_offset_s"] is None
    assert {position["open_time"] for position in state["positions"]} == {None}
    clock.turn(5)
    offset = terminal_of(agent).account.firm.offset
    assert (await client.get("/v2/state")).json()["broker_utc_offset_s"] == offset
    assert (await client.get("/v2/deals", params=query)).status_code == 200
