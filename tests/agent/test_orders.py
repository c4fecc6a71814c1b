"""Orders of contract v2: executed at most once, and refused before anything is sent."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from agent.orders.journal import Journal, JournalError
from agent.orders.retcodes import NAMES
from tests.agent.parts import client_of, one_agent, problem_of, signing_client_of
from tests.agent.trading import TradingDesk, moment

ANSWER_FIELDS = {
    "tag", "state", "sent", "outcome", "retcode", "retcode_name", "order", "deal", "position",
    "volume", "price", "bid", "ask", "comment", "message", "external", "recovered", "problem",
    "evidence", "login", "server", "received_at", "begun_at", "settled_at", "journal",
    "journal_since",
}  # fmt: skip
REJECTED = sorted(
    set(NAMES)
    - {10008, 10009, 10010, 10011, 10012, 10023, 10025, 10028, 10029, 10031, 10036, 10039}
)


@pytest.fixture
def desk(tmp_path: Path) -> TradingDesk:
    return TradingDesk(tmp_path)


async def test_an_open_is_executed_and_answered_with_every_field(desk: TradingDesk) -> None:
    bid, ask = desk.price()
    answer = await desk.placed(sl=round(bid - 0.002, 5), tp=round(ask + 0.003, 5))
    assert set(answer) == ANSWER_FIELDS
    assert (answer["outcome"], answer["retcode"], answer["retcode_name"]) == ("done", 10009, "DONE")
    assert (answer["state"], answer["sent"], answer["login"]) == ("ended", True, desk.account.login)
    assert (answer["volume"], answer["price"]) == (0.1, ask)
    (position,) = desk.account.positions.values()
    assert answer["position"] == answer["order"] == position.ticket
    assert (position.sl, position.tp) == (round(bid - 0.002, 5), round(ask + 0.003, 5))
    assert (position.comment, position.magic) == (answer["tag"], desk.sends()[0]["magic"])


async def test_an_answer_is_signed(desk: TradingDesk) -> None:
    response = await desk.post(desk.body())
    assert "signature" in response.headers


async def test_an_order_without_a_signature_reaches_nothing(desk: TradingDesk) -> None:
    response = await client_of(desk.agent, "2").post("/v2/orders", json=desk.body())
    assert response.status_code == 401
    assert desk.sends() == []


async def test_a_repeated_tag_is_answered_from_the_journal_and_never_sent_again(
    desk: TradingDesk,
) -> None:
    body = desk.body()
    first = (await desk.post(body)).json()
    desk.restart()
    # Written in another way, it is still the same order.
    again = await desk.client.post(
        "/v2/orders", content=json.dumps(body | {"volume": "0.100"}, indent=2)
    )
    assert again.json() == first == await desk.record(body["tag"])
    assert len(desk.sends()) == 1


async def test_a_tag_repeated_with_another_body_is_409(desk: TradingDesk) -> None:
    body = desk.body()
    await desk.post(body)
    for change in ({"volume": 0.2}, {"side": "SELL"}, {"magic": 7}, {"expires_at": moment(2e9)}):
        response = await desk.post(body | change)
        assert response.status_code == 409
        assert problem_of(response) == "tag-conflict"
    assert len(desk.sends()) == 1


async def test_a_request_repeated_after_a_restart_finds_its_tag_or_its_end(
    desk: TradingDesk,
) -> None:
    """The memory of nonces ends with the process; tags and `expires_at` do not need it."""
    done, expired = desk.body(), desk.body()
    await desk.post(done)
    desk.clock.turn(11)
    assert await desk.refused(expired) == "order-expired"
    desk.restart()
    desk.clock.turn(-11)  # even a clock that is set back
    assert (await desk.post(done)).json()["outcome"] == "done"
    assert await desk.refused(expired) == "order-expired"
    assert desk.most_sends() == 1
    assert len(desk.sends()) == 1


async def test_a_refusal_is_final_for_its_tag(desk: TradingDesk) -> None:
    body = desk.body()
    desk.terminal.read_only = True
    assert await desk.refused(body) == "trading-not-allowed"
    desk.terminal.read_only = False
    assert await desk.refused(body) == "trading-not-allowed"
    record = await desk.record(body["tag"])
    assert (record["state"], record["outcome"], record["sent"]) == ("ended", "rejected", False)
    assert record["retcode_name"] == "NOT_SENT"
    assert record["problem"]["type"] == "trading-not-allowed"


async def test_an_unknown_tag_is_no_error_and_tells_since_when_tags_are_known(
    desk: TradingDesk,
) -> None:
    record = await desk.record("nobody")
    assert record["state"] == "unknown-tag"
    assert record["journal_since"] == "2026-03-04T10:00:00.000Z"
    assert set(record) == {"tag", "state", "journal", "journal_since"}


async def test_a_tag_that_cannot_be_one_is_400(desk: TradingDesk) -> None:
    for tag in ("a-b", "a" * 27, "%C3%A1"):
        response = await desk.client.get(f"/v2/orders/{tag}")
        assert problem_of(response) == "parameter-invalid"


async def test_an_order_for_another_login_or_server_is_refused(desk: TradingDesk) -> None:
    assert await desk.refused(desk.body(expected_login=1)) == "login-mismatch"
    assert await desk.refused(desk.body(expected_server="Other-Live")) == "server-mismatch"
    assert (await desk.placed(expected_server=""))["outcome"] == "done"


async def test_an_expired_order_is_refused_at_the_second_it_ends(desk: TradingDesk) -> None:
    now = desk.clock()
    assert await desk.refused(desk.body(expires_at=moment(now))) == "order-expired"
    assert (await desk.placed(expires_at=moment(now + 0.001)))["outcome"] == "done"


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"symbol": "NOPE"}, "symbol-unknown"),
        ({"symbol": "eurusd"}, "symbol-unknown"),
        ({"volume": 0.015}, "volume-invalid"),
        ({"volume": 0.001}, "volume-invalid"),
        ({"volume": 100.01}, "volume-invalid"),
        ({"volume": 99.0}, "margin-insufficient"),
        ({"sl": 9.0}, "stops-invalid"),
        ({"tp": 0.5}, "stops-invalid"),
        ({"sl": 1.000001}, "stops-invalid"),
        ({"side": "SELL", "sl": 0.5}, "stops-invalid"),
        ({"side": "SELL", "tp": 9.0}, "stops-invalid"),
        ({"kind": "close", "position": 5, "side": None}, "position-not-found"),
        ({"kind": "modify", "position": 5, "volume": None}, "position-not-found"),
    ],
)
async def test_what_cannot_be_executed_is_refused_in_plain_words(
    desk: TradingDesk, changes: dict[str, Any], kind: str
) -> None:
    body = desk.body(**changes)
    assert await desk.refused(body) == kind
    assert (await desk.record(body["tag"]))["message"]


async def test_a_level_closer_than_the_broker_allows_is_refused(desk: TradingDesk) -> None:
    """US30 asks for 20 points of 0.1, measured from the closing side."""
    bid, ask = desk.price("US30")
    close = desk.body(symbol="US30", volume=0.1, sl=round(bid - 1.9, 1))
    assert await desk.refused(close) == "stops-too-close"
    close = desk.body(symbol="US30", volume=0.1, side="SELL", sl=round(ask + 1.9, 1))
    assert await desk.refused(close) == "stops-too-close"
    far = await desk.placed(symbol="US30", volume=0.1, sl=round(bid - 2.0, 1))
    assert far["outcome"] == "done"


@pytest.mark.parametrize("switch", ["read_only", "trading_off"])
async def test_a_login_that_may_not_trade_is_told_so(desk: TradingDesk, switch: str) -> None:
    setattr(desk.terminal, switch, True)
    assert await desk.refused(desk.body()) == "trading-not-allowed"


async def test_a_terminal_without_its_broker_sends_nothing(desk: TradingDesk) -> None:
    desk.terminal.connected = False
    assert await desk.refused(desk.body()) == "account-unreadable"
    desk.terminal.connected = True
    desk.terminal.positions_fail = True
    assert await desk.refused(desk.body()) == "positions-unreadable"


async def test_a_position_is_closed_in_part_and_then_whole(desk: TradingDesk) -> None:
    ticket = (await desk.placed(volume=0.05))["position"]
    part = await desk.changed("close", ticket, volume=0.03, side="BUY")
    assert (part["outcome"], part["volume"], part["position"]) == ("done", 0.03, ticket)
    assert desk.account.positions[ticket].volume == 0.02
    assert await desk.refused(desk.change("close", ticket, volume=0.03)) == "volume-invalid"
    rest = await desk.changed("close", ticket)
    assert (rest["outcome"], rest["volume"]) == ("done", 0.02)
    assert desk.account.positions == {}
    assert await desk.refused(desk.change("close", ticket)) == "position-not-found"


async def test_a_rest_below_the_minimum_can_be_closed(desk: TradingDesk) -> None:
    ticket = (await desk.placed(symbol="US30", volume=0.2))["position"]
    desk.account.positions[ticket].volume = 0.05
    assert (await desk.changed("close", ticket, symbol="US30"))["volume"] == 0.05


async def test_levels_are_moved_removed_and_left_alone(desk: TradingDesk) -> None:
    ticket = (await desk.placed())["position"]
    bid, _ = desk.price()
    sl, tp = round(bid - 0.001, 5), round(bid + 0.001, 5)
    moved = await desk.changed("modify", ticket, sl=sl, tp=tp)
    assert (moved["outcome"], moved["position"], moved["volume"]) == ("done", ticket, None)
    assert (desk.account.positions[ticket].sl, desk.account.positions[ticket].tp) == (sl, tp)
    same = await desk.changed("modify", ticket, sl=sl, tp=tp)
    assert (same["outcome"], same["retcode_name"]) == ("done", "NO_CHANGES")
    await desk.changed("modify", ticket, sl=sl)
    assert desk.account.positions[ticket].tp == 0


async def test_a_position_of_another_symbol_or_side_is_not_touched(desk: TradingDesk) -> None:
    ticket = (await desk.placed())["position"]
    other = desk.change("close", ticket, symbol="GBPUSD")
    assert await desk.refused(other) == "position-mismatch"
    assert await desk.refused(desk.change("close", ticket, side="SELL")) == "position-mismatch"
    assert ticket in desk.account.positions


async def test_hedging_accounts_hold_both_sides(desk: TradingDesk) -> None:
    desk.account.hedging = True
    buy, sell = await desk.placed(), await desk.placed(side="SELL")
    assert set(desk.account.positions) == {buy["position"], sell["position"]}


async def test_a_netting_account_adds_to_its_position_and_is_never_turned(
    desk: TradingDesk,
) -> None:
    desk.account.hedging = False
    first, second = await desk.placed(volume=0.1), await desk.placed(volume=0.2)
    assert second["position"] == first["position"] != second["order"]
    assert desk.account.positions[first["position"]].volume == pytest.approx(0.3)
    assert await desk.refused(desk.body(side="SELL")) == "netting-opposite"
    assert (await desk.placed(symbol="GBPUSD", side="SELL"))["outcome"] == "done"
    closed = await desk.changed("close", first["position"], volume=0.25)
    assert closed["outcome"] == "done"
    assert desk.account.positions[first["position"]].volume == pytest.approx(0.05)


async def test_a_partial_fill_is_told_with_its_volume(desk: TradingDesk) -> None:
    desk.fault("partial")
    answer = await desk.placed(volume=0.15)
    assert (answer["outcome"], answer["retcode_name"]) == ("partial", "DONE_PARTIAL")
    assert answer["volume"] == desk.account.positions[answer["position"]].volume == 0.07


@pytest.mark.parametrize("retcode", REJECTED)
async def test_codes_that_prove_a_refusal_are_rejected(desk: TradingDesk, retcode: int) -> None:
    desk.fault(retcode)
    answer = await desk.placed()
    assert (answer["outcome"], answer["retcode"]) == ("rejected", retcode)
    assert answer["retcode_name"] == NAMES[retcode]
    assert desk.account.positions == {}


@pytest.mark.parametrize(
    "retcode", [10008, 10011, 10012, 10023, 10028, 10029, 10031, 10036, 10039, 10099]
)
async def test_codes_that_prove_nothing_are_unknown(desk: TradingDesk, retcode: int) -> None:
    desk.fault(retcode)
    answer = await desk.placed()
    assert (answer["outcome"], answer["retcode"], answer["state"]) == ("unknown", retcode, "ended")
    assert answer["evidence"]["conclusion"] == "absent"


async def test_no_result_is_unknown_and_has_no_code(desk: TradingDesk) -> None:
    desk.fault("never")
    answer = await desk.placed()
    assert (answer["outcome"], answer["retcode"]) == ("unknown", None)
    assert answer["retcode_name"] == "NO_RESULT"
    assert "IPC timeout" in answer["message"]


@pytest.mark.parametrize(("mask", "number"), [(1, 0), (2, 1), (3, 1)])
async def test_the_filling_mode_is_one_that_the_symbol_has(
    desk: TradingDesk, mask: int, number: int
) -> None:
    symbol = desk.account.market.quotes["EURUSD"].symbol
    object.__setattr__(symbol, "filling", mask)
    try:
        assert (await desk.placed())["outcome"] == "done"
    finally:
        object.__setattr__(symbol, "filling", 3)
    (send,) = desk.sends()
    assert send["request"]["type_filling"] == number


async def test_a_frozen_position_is_not_touched(desk: TradingDesk) -> None:
    bid, _ = desk.price()
    ticket = (await desk.placed(sl=round(bid - 0.00015, 5)))["position"]
    symbol = desk.account.market.quotes["EURUSD"].symbol
    object.__setattr__(symbol, "freeze_level", 20)
    try:
        assert await desk.refused(desk.change("close", ticket)) == "position-frozen"
        assert await desk.refused(desk.change("modify", ticket)) == "position-frozen"
    finally:
        object.__setattr__(symbol, "freeze_level", 0)


async def test_what_a_symbol_is_closed_for_is_refused(desk: TradingDesk) -> None:
    ticket = (await desk.placed())["position"]
    modes = {0: ("BUY", "SELL"), 1: ("SELL",), 2: ("BUY",), 3: ("BUY", "SELL")}
    for mode, sides in modes.items():
        desk.terminal.trade_mode = mode
        for side in sides:
            assert await desk.refused(desk.body(side=side)) == "symbol-not-tradable"
    assert (await desk.changed("close", ticket))["outcome"] == "done"


async def test_a_journal_that_cannot_be_written_sends_nothing(
    desk: TradingDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Journal, *arguments: object) -> None:
        raise JournalError("database or disk is full")

    monkeypatch.setattr(Journal, "_append", full)
    assert await desk.refused(desk.body()) == "journal-unavailable"


async def test_a_journal_that_cannot_be_read_says_nothing_of_what_was_sent(
    desk: TradingDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = desk.body()
    await desk.post(body)

    def broken(self: Journal, *arguments: object) -> None:
        raise JournalError("disk I/O error")

    monkeypatch.setattr(Journal, "_ask", broken)
    for response in (await desk.post(body), await desk.client.get(f"/v2/orders/{body['tag']}")):
        assert problem_of(response) == "journal-unreadable"
        assert "sent" not in response.json()


async def test_a_result_that_cannot_be_written_is_still_told(
    desk: TradingDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Journal, *arguments: object) -> None:
        raise JournalError("database or disk is full")

    monkeypatch.setattr(Journal, "settle", full)
    body = desk.body()
    assert (await desk.post(body)).json()["outcome"] == "done"
    assert (await desk.record(body["tag"]))["outcome"] == "done"
    desk.restart()
    found = await desk.record(body["tag"])
    assert (found["outcome"], found["recovered"]) == ("done", True)
    assert desk.most_sends() == 1


async def test_an_agent_without_a_journal_sends_nothing(desk: TradingDesk) -> None:
    agent = one_agent(desk.clock)
    response = await signing_client_of(agent).post("/v2/orders", json=desk.body())
    assert problem_of(response) == "journal-unavailable"
    assert response.json()["sent"] is False


def test_the_journal_is_for_its_owner_alone(desk: TradingDesk) -> None:
    if os.name == "posix":
        files = list(desk.path.parent.glob("agent.journal*"))
        assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
