"""Contract v1, with the mistakes that the monitor has to survive."""

import math
from datetime import UTC, datetime

import httpx
import pytest

from agent.agent import Agent
from agent.records import TradeDeal
from tests.agent.parts import START, TurnedClock, client_of, one_agent, terminal_of

MOMENT = datetime.fromtimestamp(START, UTC)


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def agent(clock: TurnedClock) -> Agent:
    return one_agent(clock)


@pytest.fixture
def client(agent: Agent) -> httpx.AsyncClient:
    return client_of(agent, "1")


async def test_the_root_names_the_agent(client: httpx.AsyncClient) -> None:
    answer = (await client.get("/")).json()
    assert set(answer) == {"service", "agent_name", "status", "version"}
    assert answer["agent_name"] == "Test 1"


async def test_health_follows_the_terminal(client: httpx.AsyncClient, agent: Agent) -> None:
    well = (await client.get("/health")).json()
    terminal_of(agent).connected = False
    ill = (await client.get("/health")).json()
    assert (well["status"], well["accounts_monitored"], well["mt5_initialized"]) == (
        "healthy",
        1,
        True,
    )
    assert (ill["status"], ill["accounts_monitored"], ill["mt5_initialized"]) == (
        "unhealthy",
        0,
        False,
    )


async def test_the_account_carries_every_field_of_the_contract(
    client: httpx.AsyncClient, agent: Agent
) -> None:
    account = terminal_of(agent).account
    answer = (await client.get("/accounts")).json()
    last_updated = datetime.fromisoformat(answer.pop("last_updated"))
    assert last_updated.tzinfo is None
    assert answer == {
        "account_number": account.login,
        "account_name": account.holder,
        "balance": account.balance_cents / 100,
        "status": "connected",
        "days_operating": START // 86_400 - account.past.first_day + 1,
        "has_open_position": bool(account.positions),
        "account_holder": account.holder,
        "prop_firm": account.firm.name,
        "initial_balance": account.initial_balance,
    }


@pytest.mark.parametrize("shape", ["list", "wrapped"])
async def test_older_agents_answer_in_other_shapes(clock: TurnedClock, shape: str) -> None:
    agent = one_agent(clock, accounts_shape=shape)
    answer = (await client_of(agent, "1").get("/accounts")).json()
    accounts = answer if shape == "list" else answer["accounts"]
    assert [account["account_number"] for account in accounts] == [terminal_of(agent).account.login]


async def test_a_disconnected_terminal_is_account_zero_with_status_200(
    client: httpx.AsyncClient, agent: Agent
) -> None:
    terminal_of(agent).connected = False
    response = await client.get("/accounts")
    answer = response.json()
    assert response.status_code == 200
    assert (answer["account_number"], answer["balance"]) == (0, 0.0)
    assert answer["status"] == "disconnected"


async def test_positions_that_cannot_be_read_look_like_none_of_account_zero(
    client: httpx.AsyncClient, agent: Agent
) -> None:
    terminal_of(agent).positions_fail = True
    response = await client.get("/positions")
    assert response.status_code == 200
    assert response.json() == {
        "account_number": 0,
        "positions": [],
        "total_profit": 0,
        "position_count": 0,
    }


async def test_an_account_with_unreadable_positions_still_tells_that_some_are_open(
    clock: TurnedClock,
) -> None:
    agent = one_agent(clock, seed=3)
    terminal_of(agent).positions_fail = True
    account = (await client_of(agent, "1").get("/accounts")).json()
    assert account["account_number"] == terminal_of(agent).account.login
    assert account["has_open_position"] is True


async def test_positions_are_the_open_ones_with_naive_times(clock: TurnedClock) -> None:
    agent = one_agent(clock, seed=3)
    account = terminal_of(agent).account
    answer = (await client_of(agent, "1").get("/positions")).json()
    assert answer["account_number"] == account.login
    assert answer["position_count"] == len(account.positions) > 0
    assert {item["ticket"] for item in answer["positions"]} == set(account.positions)
    for item in answer["positions"]:
        position = account.positions[item["ticket"]]
        assert item["type"] == ("SELL" if position.side else "BUY")
        assert item["sl"] == (position.sl or None)
        opened = datetime.fromisoformat(item["open_time"])
        assert opened.tzinfo is None
        seconds = int(opened.replace(tzinfo=UTC).timestamp())
        assert seconds == position.opened + account.firm.offset
        assert not {"comment", "magic"} & set(item)


async def test_old_agents_have_no_positions_call(clock: TurnedClock) -> None:
    agent = one_agent(clock, offers_positions=False)
    assert (await client_of(agent, "1").get("/positions")).status_code == 404


async def test_a_refresh_reconnects_a_dropped_terminal(
    client: httpx.AsyncClient, agent: Agent, clock: TurnedClock
) -> None:
    terminal_of(agent).dropped_until = clock() + 60
    assert (await client.get("/accounts")).json()["account_number"] == 0
    response = await client.post("/refresh")
    assert response.json() == {"status": "success", "message": "MT5 connection refreshed"}
    assert (await client.get("/accounts")).json()["account_number"] != 0


async def test_a_refresh_that_fails_is_500(client: httpx.AsyncClient, agent: Agent) -> None:
    terminal_of(agent).connected = False
    response = await client.post("/refresh")
    assert response.status_code == 500
    assert "detail" in response.json()


QUOTED = {
    "symbol", "bid", "ask", "spread_points", "spread_pips", "pip_value", "trade_tick_value",
    "point", "timestamp",
}  # fmt: skip


@pytest.mark.parametrize(
    ("symbol", "point", "tick_value"),
    [("EURUSD", 1e-5, 1), ("XAUUSD", 0.01, 1), ("US30", 0.1, 0.1), ("US500", 0.01, 2.5)],
)
async def test_a_quote_tells_the_spread_and_pip_value_as_prices(
    client: httpx.AsyncClient, symbol: str, point: float, tick_value: float
) -> None:
    answer = (await client.get(f"/quote/{symbol}")).json()
    assert set(answer) == QUOTED
    assert answer["ask"] > answer["bid"]
    assert answer["spread_points"] == answer["ask"] - answer["bid"]
    assert answer["pip_value"] == point * 10
    assert answer["spread_pips"] == pytest.approx(answer["spread_points"] / (point * 10), abs=0.05)
    assert answer["trade_tick_value"] == pytest.approx(tick_value)
    assert (answer["point"], answer["symbol"]) == (point, symbol)


async def test_a_tick_value_that_the_terminal_does_not_have_is_told_as_1(
    client: httpx.AsyncClient, agent: Agent
) -> None:
    terminal_of(agent).overrides["US500"] = {"trade_tick_value": 0.0}
    assert (await client.get("/quote/US500")).json()["trade_tick_value"] == 1.0


@pytest.mark.parametrize(
    "changes",
    [
        {"trade_tick_size": 0.0},
        {"point": 0.0, "trade_tick_size": 0.0},
        {"bid": 1.08, "ask": 1.08},
        {"bid": 1.0801, "ask": 1.08},
        {"bid": 0.0, "ask": 0.0},
    ],
)
async def test_a_tick_or_a_spread_of_nothing_is_a_quote_as_well(
    client: httpx.AsyncClient, agent: Agent, changes: dict[str, float]
) -> None:
    terminal_of(agent).overrides["EURUSD"] = changes
    response = await client.get("/quote/EURUSD")
    assert response.status_code == 200
    answer = response.json()
    assert set(answer) == QUOTED
    for name in ("point", "bid", "ask"):
        assert answer[name] == changes.get(name, answer[name])
    assert answer["spread_points"] == answer["ask"] - answer["bid"]


async def test_a_quote_of_an_unknown_symbol_is_404(client: httpx.AsyncClient) -> None:
    assert (await client.get("/quote/NOPE")).status_code == 404


async def test_a_quote_without_a_terminal_is_500(client: httpx.AsyncClient, agent: Agent) -> None:
    terminal_of(agent).connected = False
    assert (await client.get("/quote/EURUSD")).status_code == 500


async def test_the_history_adds_up(client: httpx.AsyncClient) -> None:
    answer = (await client.get("/trade-history", params={"days": "365"})).json()
    assert answer["total_trades"] == len(answer["trades"]) > 3
    assert answer["total_profit"] == pytest.approx(sum(t["profit"] for t in answer["trades"]))
    assert answer["total_commission"] == pytest.approx(
        sum(t["commission"] for t in answer["trades"])
    )
    numbers = [trade["position_id"] for trade in answer["trades"]]
    assert len(set(numbers)) == len(numbers)


async def test_the_history_starts_at_from_date(client: httpx.AsyncClient) -> None:
    response = await client.get("/trade-history", params={"from_date": "2026-03-01T00:00:00"})
    trades = response.json()["trades"]
    assert trades
    assert all(trade["exit_time"] >= "2026-03-01T00:00:00" for trade in trades)


async def test_from_date_finds_openings_of_seven_days_before_and_all_days_asked_for(
    client: httpx.AsyncClient, agent: Agent, clock: TurnedClock
) -> None:
    """Of trades that were closed an hour ago: open for 20 days, and for 6."""
    module = terminal_of(agent)
    offset = module.account.firm.offset
    now = int(clock.now) + offset
    for number, days in ((901, 20), (902, 6)):
        opened = now - days * 86_400
        deal = TradeDeal(
            ticket=number, order=number, time=opened, time_msc=opened * 1000, type=0, entry=0,
            magic=0, position_id=number, reason=0, volume=0.1, price=1.1, commission=0.0, swap=0.0,
            profit=0.0, fee=0.0, symbol="EURUSD", comment="", external_id="",
        )  # fmt: skip
        closed = now - 3_600
        out = deal._replace(
            ticket=number + 10, time=closed, time_msc=closed * 1000, entry=1, type=1
        )
        module.account.deals += [deal, out]

    async def listed(**query: str) -> set[int]:
        answer = (await client.get("/trade-history", params=query)).json()
        return {trade["position_id"] for trade in answer["trades"]} & {901, 902}

    yesterday = datetime.fromtimestamp(now - 86_400, UTC).replace(tzinfo=None).isoformat()
    assert await listed(from_date=yesterday) == {902}
    assert await listed(days="7") == {902}
    assert await listed(days="30") == {901, 902}
    assert await listed(from_date="2010-01-01T00:00:00") == {901, 902}


async def test_a_history_that_cannot_be_read_is_an_empty_one_of_the_account(
    client: httpx.AsyncClient, agent: Agent
) -> None:
    terminal_of(agent).history_fails = True
    answer = (await client.get("/trade-history", params={"days": "365"})).json()
    assert answer["account_number"] == terminal_of(agent).account.login
    assert (answer["trades"], answer["total_trades"]) == ([], 0)


@pytest.mark.parametrize(
    "query", [{"days": "0"}, {"days": "366"}, {"days": "x"}, {"from_date": "yesterday"}]
)
async def test_a_bad_parameter_of_the_history_is_400(
    client: httpx.AsyncClient, query: dict[str, str]
) -> None:
    response = await client.get("/trade-history", params=query)
    assert response.status_code == 400
    assert "detail" in response.json()


async def test_the_history_of_a_disconnected_terminal_is_an_empty_lie(
    client: httpx.AsyncClient, agent: Agent
) -> None:
    terminal_of(agent).connected = False
    response = await client.get("/trade-history")
    assert (response.status_code, response.json()["account_number"]) == (200, 0)


async def test_a_figure_that_is_not_a_number_goes_out_as_it_is(
    client: httpx.AsyncClient, agent: Agent
) -> None:
    terminal_of(agent).balance_is_nan = True
    response = await client.get("/accounts")
    assert '"balance": NaN' in response.text
    assert math.isnan(response.json()["balance"])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/positions/open", 404),
        ("POST", "/positions/close", 404),
        ("PUT", "/positions/modify", 404),
        ("GET", "/v2/ping", 404),
        ("GET", "/v2/state", 404),
        ("GET", "/refresh", 405),
        ("DELETE", "/accounts", 405),
    ],
)
async def test_anything_else_is_refused_as_the_old_agents_do(
    client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    response = await client.request(method, path)
    assert response.status_code == status
    assert list(response.json()) == ["detail"]
