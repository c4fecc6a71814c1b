"""Trading over v1: what old agents do and say, and what they get wrong."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.agent.parts import client_of
from tests.agent.trading import TradingDesk

# Texts that prove that nothing was sent, by the words that the monitor knows them by.
BEFORE_SENDING = (
    "not found", "not allowed", "below minimum", "above maximum", "too close",
    "insufficient margin", "not initialized", "invalid order type",
)  # fmt: skip


@pytest.fixture
def desk(tmp_path: Path) -> TradingDesk:
    return TradingDesk(tmp_path, trades_over_v1=True)


@pytest.fixture
def client(desk: TradingDesk) -> httpx.AsyncClient:
    return client_of(desk.agent, "1")


def trade(**changes: Any) -> dict[str, Any]:
    return {"symbol": "EURUSD", "lot": 0.1, "order_type": "BUY"} | changes


async def refused(client: httpx.AsyncClient, method: str, path: str, body: object) -> str:
    response = await client.request(method, path, json=body)
    assert response.status_code == 400, response.text
    assert list(response.json()) == ["detail"]
    return str(response.json()["detail"])


@pytest.mark.parametrize("side", ["BUY", "SELL"])
async def test_an_open_takes_its_levels_in_pips(
    desk: TradingDesk, client: httpx.AsyncClient, side: str
) -> None:
    bid, ask = desk.price()
    body = trade(order_type=side, sl=20, tp=30.5, comment="of a person")
    answer = (await client.post("/positions/open", json=body)).json()
    assert set(answer) == {"success", "ticket", "message", "price", "error_code"}
    assert (answer["success"], answer["error_code"]) == (True, None)
    position = desk.account.positions[answer["ticket"]]
    price, sign = (ask, 1) if side == "BUY" else (bid, -1)
    assert answer["price"] == position.price == price
    assert position.sl == pytest.approx(price - sign * 0.0020)
    assert position.tp == pytest.approx(price + sign * 0.00305)
    assert (position.comment, position.magic) == ("of a person", 234_000)


async def test_a_pip_is_ten_points_only_where_prices_have_fractions_of_one(
    desk: TradingDesk, client: httpx.AsyncClient
) -> None:
    body = trade(symbol="XAUUSD", sl=150)
    ticket = (await client.post("/positions/open", json=body)).json()["ticket"]
    assert desk.account.positions[ticket].sl == pytest.approx(desk.price("XAUUSD")[1] - 1.5)


async def test_stops_for_a_symbol_without_a_point_are_refused_without_a_crash(
    desk: TradingDesk, client: httpx.AsyncClient
) -> None:
    desk.terminal.overrides["EURUSD"] = {"point": 0.0, "trade_tick_size": 0.0}
    detail = await refused(client, "POST", "/positions/open", trade(sl=20))
    assert detail == "Order failed: Invalid stops"
    answer = await client.post("/positions/open", json=trade())
    assert answer.json()["success"] is True


async def test_a_position_is_modified_by_price_levels_and_closed(
    desk: TradingDesk, client: httpx.AsyncClient
) -> None:
    ticket = (await client.post("/positions/open", json=trade(sl=20))).json()["ticket"]
    body = {"ticket": ticket, "tp": 1.5}
    answer = (await client.put("/positions/modify", json=body)).json()
    assert set(answer) == {"success", "ticket", "message", "new_sl", "new_tp"}
    assert (answer["success"], answer["new_tp"]) == (True, 1.5)
    # A level that is not given stays; v1 has no other way to remove one than 0.
    assert answer["new_sl"] == desk.account.positions[ticket].sl > 0
    removed = (await client.put("/positions/modify", json={"ticket": ticket, "sl": 0})).json()
    assert (removed["new_sl"], desk.account.positions[ticket].sl) == (None, 0)
    closed = (await client.post("/positions/close", json={"ticket": ticket})).json()
    assert set(closed) == {"success", "ticket", "message", "close_price"}
    assert closed["close_price"] == desk.price()[0]
    assert desk.account.positions == {}


@pytest.mark.parametrize(
    "body",
    [
        trade(symbol="NOPE"),
        trade(order_type="HOLD"),
        trade(lot=0.001),
        trade(lot=100.5),
        trade(lot=99),
        trade(symbol="US30", sl=1),
        trade(symbol="US30", tp=1),
    ],
)
async def test_texts_of_checks_made_before_sending_are_the_known_ones(
    desk: TradingDesk, client: httpx.AsyncClient, body: dict[str, Any]
) -> None:
    detail = await refused(client, "POST", "/positions/open", body)
    assert any(words in detail.lower() for words in BEFORE_SENDING)
    assert desk.sends() == []


async def test_a_position_that_is_not_there_is_not_found(
    desk: TradingDesk, client: httpx.AsyncClient
) -> None:
    for method, path in (("POST", "/positions/close"), ("PUT", "/positions/modify")):
        assert await refused(client, method, path, {"ticket": 5}) == "Position 5 not found"


async def test_a_terminal_without_a_connection_is_not_initialized(
    desk: TradingDesk, client: httpx.AsyncClient
) -> None:
    desk.terminal.connected = False
    assert await refused(client, "POST", "/positions/open", trade()) == "MT5 not initialized"
    desk.terminal.connected, desk.terminal.read_only = True, True
    detail = await refused(client, "POST", "/positions/open", trade())
    assert "not allowed" in detail


@pytest.mark.parametrize(
    ("fault", "lots"),
    [("requote", 0), ("reject", 0), ("never", 0), ("lost", 0.1), ("partial", 0.05), ("late", 0.1)],
)
async def test_whether_it_was_executed_or_not_an_ambiguous_400_looks_the_same(
    desk: TradingDesk, client: httpx.AsyncClient, fault: str, lots: float
) -> None:
    desk.fault(fault, 5)
    detail = await refused(client, "POST", "/positions/open", trade())
    assert detail.startswith("Order failed: ")
    assert not any(words in detail.lower() for words in BEFORE_SENDING)
    desk.clock.turn(6)
    desk.terminal.world.advance()
    assert sum(position.volume for position in desk.account.positions.values()) == lots


async def test_what_the_broker_refuses_says_its_comment_and_no_code(
    desk: TradingDesk, client: httpx.AsyncClient
) -> None:
    detail = await refused(client, "POST", "/positions/open", trade(lot=0.015))
    assert detail == "Order failed: Invalid volume"
    ticket = (await client.post("/positions/open", json=trade())).json()["ticket"]
    same = await refused(client, "PUT", "/positions/modify", {"ticket": ticket})
    assert same == "Modify failed: No changes"


@pytest.mark.parametrize(
    ("fault", "comment"),
    [(10018, "Market closed"), (10027, "AutoTrading disabled by client"), (10004, "Requote")],
)
async def test_each_comment_is_spelled_as_in_the_field(
    desk: TradingDesk, client: httpx.AsyncClient, fault: int, comment: str
) -> None:
    desk.fault(fault)
    detail = await refused(client, "POST", "/positions/open", trade())
    assert detail == f"Order failed: {comment}"


async def test_a_position_is_not_found_either_when_positions_cannot_be_read(
    desk: TradingDesk, client: httpx.AsyncClient
) -> None:
    ticket = (await client.post("/positions/open", json=trade())).json()["ticket"]
    desk.terminal.positions_fail = True
    detail = await refused(client, "POST", "/positions/close", {"ticket": ticket})
    assert detail == f"Position {ticket} not found"
    assert ticket in desk.account.positions


async def test_the_same_request_twice_is_two_trades(
    desk: TradingDesk, client: httpx.AsyncClient
) -> None:
    for _ in range(2):
        assert (await client.post("/positions/open", json=trade())).status_code == 200
    assert len(desk.account.positions) == 2


async def test_whatever_login_the_terminal_is_on_is_traded(
    desk: TradingDesk, client: httpx.AsyncClient
) -> None:
    desk.terminal.account = desk.terminal.world.account_for(777, desk.account.index)
    assert (await client.post("/positions/open", json=trade())).status_code == 200
    assert desk.sends()[0]["login"] == 777


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"symbol": "EURUSD", "lot": "x", "order_type": "BUY"}', '{"ticket": true}'],
)
async def test_a_body_that_makes_no_sense_is_422(client: httpx.AsyncClient, content: str) -> None:
    for method, path in (("POST", "/positions/open"), ("POST", "/positions/close")):
        response = await client.request(method, path, content=content)
        assert response.status_code == 422
        assert response.json()["detail"][0]["msg"]


async def test_an_agent_trades_over_v1_only_when_it_was_told_to(desk: TradingDesk) -> None:
    desk.agent.trades_over_v1 = False
    client = client_of(desk.agent, "1")
    assert (await client.post("/positions/open", json=trade())).status_code == 404
    assert desk.sends() == []


@pytest.mark.parametrize("lot", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 400, '"NaN"'])
async def test_a_number_that_is_none_reaches_no_check(
    desk: TradingDesk, client: httpx.AsyncClient, lot: str
) -> None:
    """NaN is neither below the minimum nor above the maximum."""
    for field in ("lot", "sl", "tp"):
        body = {"symbol": '"EURUSD"', "lot": "0.1", "order_type": '"BUY"'} | {field: lot}
        text = ", ".join(f'"{name}": {value}' for name, value in body.items())
        headers = {"Content-Type": "application/json"}
        answer = await client.post("/positions/open", content=f"{{{text}}}", headers=headers)
        assert answer.status_code == 422, field
    assert not desk.account.positions


async def test_a_terminal_without_figures_trades_nothing(
    desk: TradingDesk, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = type(desk.terminal)
    monkeypatch.setattr(terminal, "order_calc_margin", lambda *_: float("nan"))
    assert "not found" in await refused(client, "POST", "/positions/open", trade())
    assert not desk.account.positions
