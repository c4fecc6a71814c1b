"""Trading by programs, at real agents: once, truthfully, and with a reason for every refusal."""

from decimal import Decimal
from typing import Any

import pytest

from accounts.models import Account
from accounts.polling import poller
from tests.api.program import Program, told
from tests.factories import make_user
from tests.trading.desk import Desk
from trading import orders
from trading.api.outcome import outcome
from trading.models import Order, TradingSwitch

pytestmark = pytest.mark.django_db
OPEN: dict[str, Any] = {"symbol": "EURUSD", "lot": 0.1, "order_type": "BUY"}
TRADER = ("accounts.view_account", "trading.trade")


@pytest.fixture
def program(desk: Desk) -> Program:
    return Program(desk.trader)


def number(desk: Desk, contract: str = "2") -> int:
    return desk.accounts[contract].number


def trade(desk: Desk, kind: str, contract: str = "2") -> str:
    return f"accounts/{number(desk, contract)}/trade/{kind}"


@pytest.mark.parametrize("contract", ["1", "2"])
def test_a_position_is_opened_moved_and_closed_as_scripts_do(
    desk: Desk, program: Program, contract: str
) -> None:
    asked = OPEN | {"sl": 20, "tp": 50, "comment": "mine"}
    opened = told(program.post(trade(desk, "open", contract), asked), 200)
    assert opened["success"] is True
    assert len(desk.sent(contract)) == 1
    order = Order.objects.get()
    assert opened["order"]["url"] == f"/api/orders/{order.pk}"
    # In pips of 0.0001, from the price that it was reckoned from.
    assert (order.tp or 0) - (order.sl or 0) == Decimal("0.0070")
    list(poller.refresh([desk.agent(contract)]))
    ticket = opened["ticket"]
    levels = {"sl": float(order.sl or 0) - 0.001, "tp": 0}
    moved = told(program.put(trade(desk, "modify", contract), {"ticket": ticket} | levels), 200)
    assert moved["new_sl"] == pytest.approx(levels["sl"])
    assert moved["new_tp"] is None
    closed = told(program.post(trade(desk, "close", contract), {"ticket": ticket}), 200)
    assert (closed["success"], closed["ticket"]) == (True, ticket)
    assert closed["close_price"] == pytest.approx(opened["price"], rel=0.05)
    assert len(desk.sent(contract)) == 3


@pytest.mark.both_databases
def test_the_same_key_is_the_same_order_whatever_the_market_does(
    desk: Desk, program: Program
) -> None:
    key = {"Idempotency-Key": "job 17"}
    asked = OPEN | {"sl": 20}
    first = told(program.post(trade(desk, "open"), asked, **key), 200)
    for _ in range(2):
        assert told(program.post(trade(desk, "open"), asked, **key), 200)["order"] == first["order"]
    refused = told(program.post(trade(desk, "open"), asked | {"lot": 0.2}, **key), 409)
    assert "Idempotency-Key was sent before with other values" in refused["detail"]
    assert told(program.post(trade(desk, "close"), {"ticket": 1}, **key), 409)
    assert len(desk.sent()) == 1


@pytest.mark.both_databases
def test_the_keys_of_one_user_are_not_those_of_another(desk: Desk, program: Program) -> None:
    other = Program(make_user(*TRADER))
    for one in (program, other):
        told(one.post(trade(desk, "open"), OPEN, **{"Idempotency-Key": "1"}), 200)
    assert len(desk.sent()) == 2


def test_without_a_key_each_request_is_an_order_of_its_own(desk: Desk, program: Program) -> None:
    for _ in range(2):
        told(program.post(trade(desk, "open"), OPEN), 200)
    assert len(desk.sent()) == 2


def test_an_unknown_outcome_says_so_and_where_to_follow_it(desk: Desk, program: Program) -> None:
    desk.venue.steer("2", next_order="never")
    waiting = told(program.post(trade(desk, "open"), OPEN), 202)
    assert waiting["success"] is None
    assert waiting["order"]["state"] == "unknown"
    url = waiting["order"]["url"].removeprefix("/api/")
    assert program.get(url)["success"] is None
    locked = told(program.post(trade(desk, "open"), OPEN), 403)
    assert "The outcome of another order is unknown" in locked["detail"]
    Order.objects.filter(pk=waiting["order"]["id"]).update(state="filled", reason="found")
    assert program.get(url)["success"] is True


def test_what_the_broker_refuses_is_told_with_its_code(desk: Desk, program: Program) -> None:
    desk.venue.steer("2", next_order="no-money")
    refused = told(program.post(trade(desk, "open"), OPEN), 400)
    assert (refused["success"], refused["error_code"]) == (False, 10019)
    assert refused["detail"] == refused["message"] == Order.objects.get().reason


@pytest.mark.parametrize(("kind", "success"), [("close", True), ("modify", False)])
def test_a_position_that_was_closed_elsewhere_is_closed_and_has_no_new_levels(
    desk: Desk, program: Program, kind: str, success: bool
) -> None:
    levels = {"sl": Decimal("0.5")} if kind == "modify" else {}
    order = desk.place(kind=kind, position=4711, **levels)
    Order.objects.filter(pk=order.pk).update(state="closed-externally", reason="It is closed.")
    assert program.get(f"orders/{order.pk}")["success"] is success
    order.refresh_from_db()
    seen = told(outcome(order), 200 if success else 400)
    assert (seen["success"], seen["new_sl"]) == (success, None)


def test_an_agent_that_is_away_is_no_failure_of_the_caller(desk: Desk, program: Program) -> None:
    opened = told(program.post(trade(desk, "open"), OPEN), 200)
    list(poller.refresh([desk.agent()]))
    desk.venue.__exit__()
    answer = told(program.post(trade(desk, "close"), {"ticket": opened["ticket"]}), 502)
    assert answer["success"] is False
    assert answer["order"]["state"] == "not-sent"


def test_with_trading_off_nothing_is_placed(desk: Desk, program: Program) -> None:
    TradingSwitch.objects.update(is_on=False, reason="the news")
    refused = told(program.post(trade(desk, "open"), OPEN), 503)
    assert "All trading is switched off" in refused["detail"]
    assert not Order.objects.exists()


WRONG: dict[str, tuple[str, dict[str, Any], int, str]] = {
    "unknown symbol": ("open", OPEN | {"symbol": "EURUSD.x"}, 400, "has no symbol EURUSD.x"),
    "off the step": ("open", OPEN | {"lot": 0.105}, 400, "in steps of 0.01 lots"),
    "a stop on the wrong side": ("open", OPEN | {"sl_price": 9}, 400, "stop-loss of a buy"),
    "no lots": ("open", OPEN | {"lot": 0}, 422, "lot"),
    "not a number": ("open", OPEN | {"lot": "NaN"}, 422, "lot"),
    "no side": ("open", OPEN | {"order_type": "HOLD"}, 422, "order_type"),
    "a side that is missing": ("open", {"symbol": "EURUSD", "lot": 1}, 422, "order_type"),
    "a ticket that is not there": ("close", {"ticket": 4711}, 404, "#4711 is not open"),
    "a ticket that fits no column": ("close", {"ticket": 2**63}, 422, "ticket"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_said_and_nothing_is_sent(
    desk: Desk, program: Program, wrong: str
) -> None:
    kind, body, status, sentence = WRONG[wrong]
    assert sentence in told(program.post(trade(desk, kind), body), status)["detail"]
    assert desk.sent() == []
    assert not Order.objects.exists()


@pytest.mark.parametrize("ticket", [4711, None])
def test_a_position_that_cannot_be_read_is_not_said_to_be_closed(
    desk: Desk, program: Program, ticket: int | None
) -> None:
    odd = [{"ticket": ticket, "symbol": "EURUSD", "problem": "volume: missing"}]
    Account.objects.update(unreadable_positions=odd, open_positions=1)
    for kind in ("close", "modify"):
        send = program.put if kind == "modify" else program.post
        refused = told(send(trade(desk, kind), {"ticket": 4711}), 400)
        assert "could not be read" in refused["detail"]
        assert refused["success"] is False
    assert desk.sent() == []


@pytest.mark.both_databases
@pytest.mark.parametrize("key", ["", "k" * 300])
def test_a_key_that_is_empty_or_too_long_is_refused(desk: Desk, program: Program, key: str) -> None:
    answer = program.post(trade(desk, "open"), OPEN, **{"Idempotency-Key": key})
    assert "Idempotency-Key" in told(answer, 422)["detail"]
    assert desk.sent() == []


def test_a_token_without_the_override_does_not_close_past_an_unknown_order(desk: Desk) -> None:
    user = make_user(*TRADER, "trading.override_lock")
    narrow = Program(user, list(TRADER))
    opened = told(narrow.post(trade(desk, "open"), OPEN), 200)
    list(poller.refresh([desk.agent()]))
    body = {"ticket": opened["ticket"], "override_reason": "the margin call"}
    refused = told(narrow.post(trade(desk, "close"), body), 403)
    assert "trading.override_lock" in refused["detail"]
    assert len(desk.sent()) == 1
    assert told(Program(user).post(trade(desk, "close"), body), 200)["success"] is True


@pytest.mark.both_databases
def test_the_journal_is_read_in_pages_that_stay_right_while_it_grows(
    desk: Desk, program: Program
) -> None:
    placed = [
        orders.place(desk.accounts["2"], desk.trader, desk.asked(), f"k{n}") for n in range(5)
    ]
    first = program.get("orders?limit=2")
    assert [one["id"] for one in first["orders"]] == [placed[4].pk, placed[3].pk]
    orders.place(desk.accounts["1"], desk.trader, desk.asked(), "newer")
    second = program.get(f"orders?limit=2&before={first['next']}")
    assert [one["id"] for one in second["orders"]] == [placed[2].pk, placed[1].pk]
    last = program.get(f"orders?limit=2&before={second['next']}")
    assert (len(last["orders"]), last["next"]) == (1, None)
    mine = program.get(f"orders?account_number={number(desk, '1')}&state=queued")
    assert len(mine["orders"]) == 1
    assert "state" in told(program.ask("GET", "orders?state=lost"), 422)["detail"]
