"""Tickets of 19 digits: exact as a number, and beside it as text, wherever JSON has one."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from pydantic import TypeAdapter, ValidationError

from accounts.exports.google import cell
from accounts.models import Account
from mt5monitor.api.numbers import Ticket
from tests.api.program import Program
from tests.exports.files import csv_rows, xlsx_rows
from tests.factories import make_account, make_order, make_position, make_trade, make_user
from tests.factories import make_versus as versus_of
from trading import numbers
from trading.api.versus_shapes import ran
from trading.models import Order, Versus
from trading.payloads import order_payload, trade_payload, versus_payload, with_payload

pytestmark = pytest.mark.django_db
LARGEST, LONG = 2**63 - 1, 1_234_567_890_123_456_789
BOTH = pytest.mark.parametrize("number", [LARGEST, LONG])
NAMES = {"ticket", "identifier", "position", "order_ticket", "deal_ticket", "position_ticket"}
NAMES |= {"position_identifier", "position_id", "next", "tickets_a", "tickets_b", "tickets"}
NAMES |= {"account_a_ticket", "account_b_tickets"}


def texts_of(content: Any) -> Iterator[tuple[str, Any, Any]]:
    """Each number that names something at the broker, and the text beside it."""
    if isinstance(content, list):
        for one in content:
            yield from texts_of(one)
    elif isinstance(content, dict):
        for name, value in content.items():
            if name in NAMES and not isinstance(value, dict):
                yield name, value, content[f"{name}_text"]
            yield from texts_of(value)


def check(content: Any, number: int, *names: str) -> None:
    found = list(texts_of(content))
    for name, value, text in found:
        if isinstance(value, list):
            assert [str(one) for one in value] == text, name
        else:
            assert (None if value is None else str(value)) == text, name
    assert set(names) <= {name for name, value, _ in found if value in (number, [number])}


@pytest.fixture
def program() -> Program:
    return Program(make_user("accounts.view_account", "trading.view_versus"))


def one(kind: str, number: int, **columns: Any) -> Order:
    given = {"order_ticket": number, "deal_ticket": number, "position_ticket": number}
    if kind == "close":
        given |= {"position": number}
        columns |= {"volume": None}
    return make_order(
        make_account(), kind=kind, position_identifier=number, **given, **columns, state="filled"
    )


@pytest.mark.both_databases
@BOTH
@pytest.mark.parametrize("kind", ["open", "close"])
def test_an_order_tells_each_of_its_numbers_twice(kind: str, number: int) -> None:
    """What GET answers, a trade answers, and `trade_result` sends."""
    order = one(kind, number)
    check(order_payload(order), number, "order_ticket", "deal_ticket", "position_identifier")
    check(trade_payload(order, True), number, "ticket", "position_ticket")
    assert order_payload(order)["position_text"] == (str(number) if kind == "close" else None)


@pytest.mark.both_databases
@BOTH
def test_positions_and_trades_tell_each_of_their_numbers_twice(
    program: Program, number: int
) -> None:
    account = make_account(open_positions=1)
    make_position(account, ticket=number, identifier=number - 1)
    make_trade(account, position_id=number)
    make_trade(account, position_id=number - 2)
    positions = program.get(f"accounts/{account.number}/positions")
    check(positions, number, "ticket")
    assert positions["positions"][0]["identifier_text"] == str(number - 1)
    trades = program.get(f"accounts/{account.number}/trade-history?limit=1")
    check(trades, trades["next"], "position_id", "next")
    rest = program.get(
        f"accounts/{account.number}/trade-history?limit=1&before={trades['next_text']}"
    )
    assert rest["trades"][0]["position_id"] != trades["trades"][0]["position_id"]


def test_a_position_without_an_identifier_tells_none(program: Program) -> None:
    account = make_account(open_positions=1)
    make_position(account)
    (held,) = program.get(f"accounts/{account.number}/positions")["positions"]
    assert (held["identifier"], held["identifier_text"]) == (None, None)


@pytest.mark.both_databases
@BOTH
def test_a_versus_tells_the_tickets_of_its_legs_twice(number: int) -> None:
    versus = versus_of(make_user(), state="frozen", run=1)
    for step, side, ticket in (("buy", "BUY", number), ("half-1", "SELL", number)):
        account: Account = versus.account_a if step == "buy" else versus.account_b
        columns = {"versus": versus, "run": 1, "step": step, "side": side, "state": "filled"}
        make_order(account, position_ticket=ticket, **columns)
    row = with_payload(Versus.objects.filter(pk=versus.pk)).get()
    check(versus_payload(row), number, "tickets_a", "tickets_b")
    check(ran(row), number, "tickets", "account_a_ticket", "account_b_tickets")


@pytest.mark.parametrize("given", [5, "5", 5.0, LARGEST, str(LARGEST), LONG, str(LONG)])
def test_requests_take_a_ticket_as_a_number_or_as_text(given: Any) -> None:
    read = TypeAdapter(Ticket).validate_python(given)
    assert (type(read), str(read)) == (int, str(given).removesuffix(".0"))


@pytest.mark.parametrize(
    "given",
    [
        *(0, -1, 2**63, str(2**63), "0", "05", " 5", "5.0", "+5", "٥", 5.5, True, None, "", []),
        float(LONG),  # which is that of another position
    ],
)
def test_what_is_no_ticket_is_refused(given: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Ticket).validate_python(given)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *((str(one), one) for one in (0, 5, LONG, LARGEST)),
        *((text, None) for text in (str(2**63), "9" * 20, "-1", "", "1.0", "²", "٥", " 5")),
    ],
)
def test_forms_take_what_the_columns_hold(text: str, number: int | None) -> None:
    assert numbers.whole(text) == number


@pytest.mark.both_databases
@BOTH
def test_exports_keep_every_digit(number: int) -> None:
    client = Client()
    client.force_login(make_user("accounts.view_account"))
    make_position(make_account(open_positions=1), ticket=number, identifier=number, magic=number)
    (row,) = csv_rows(client, "/positions/export.csv")
    (cells,) = xlsx_rows(client, "/positions/export.xlsx")
    for name in ("Ticket", "Identifier", "Magic"):
        assert row[name] == str(number)
        assert (cells[name].data_type, cells[name].value) == ("s", str(number)), name
    assert cell(number) == str(number)


@pytest.mark.both_databases
def test_a_position_that_cannot_be_read_tells_its_ticket_twice(program: Program) -> None:
    lost = [{"ticket": LONG, "symbol": "EURUSD", "problem": "x"}]
    lost.append({"ticket": None, "symbol": "", "problem": "x"})
    account = make_account(open_positions=2, unreadable_positions=lost)
    told = program.get(f"accounts/{account.number}/positions")["unreadable"]
    assert [one["ticket_text"] for one in told] == [str(LONG), None]
