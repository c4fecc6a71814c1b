"""Orders of contract v2: executed at most once, and refused before anything is sent."""

import json
import os
from pathlib import Path

import pytest

from agent.orders.journal import Journal, JournalError
from agent.orders.retcodes import NAMES
from tests.agent.parts import client_of, one_agent, problem_of, signing_client_of
from tests.agent.trading import TradingDesk, moment

ANSWER_FIELDS = {
    "tag", "state", "sent", "outcome", "retcode", "retcode_name", "order", "deal", "position",
    "identifier", "volume", "price", "bid", "ask", "comment", "message", "external", "recovered",
    "problem", "evidence", "login", "server", "received_at", "begun_at", "settled_at", "journal",
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


@pytest.mark.parametrize(
    "told",
    [
        {"trade_tick_size": 0.0},
        {"trade_tick_size": 0.0, "point": 0.0},
        {"bid": 1.085, "ask": 1.085},
        {"bid": 1.0851, "ask": 1.085},
    ],
)
async def test_a_tick_a_point_or_a_spread_of_nothing_keeps_no_order_from_being_sent(
    desk: TradingDesk, told: dict[str, float]
) -> None:
    desk.terminal.overrides["EURUSD"] = told
    answer = await desk.placed(sl=1.0, tp=1.5)
    assert answer["outcome"] == "done"
    read = await desk.client.get("/v2/symbols/EURUSD")
    assert read.status_code == 200
    assert read.json()["tick_size"] == told.get("trade_tick_size", 1e-5)
