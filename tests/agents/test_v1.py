import json
from decimal import Decimal

import pytest

from accounts.agents import AccountReading
from accounts.agents.errors import (
    ConnectionLost,
    Malformed,
    NotJson,
    RefusedRequest,
    TerminalDisconnected,
)
from accounts.agents.v1 import account_reading, parse_accounts, parse_positions
from tests.agents.conftest import endpoint
from tests.agents.servers import POSITION, account, positions, response, serving, telling


def parsed(**changes):
    accounts, _ = parse_accounts(json.dumps(account(**changes)).encode())
    return account_reading(accounts[0], "not read")


async def read(agents, answers):
    async with serving(telling(answers)) as server:
        reading = await agents.read(endpoint(server.url))
        return reading, server.paths


async def one(agents, *listed, **told):
    answers = {
        "/accounts": account(has_open_position=True),
        "/positions": positions(*listed, **told),
    }
    reading, _ = await read(agents, answers)
    return reading.accounts[0]


async def test_a_flat_account_is_read_in_one_request_and_its_equity_is_its_balance(agents):
    reading, paths = await read(agents, {"/accounts": account()})
    assert paths == ["GET /accounts"]
    assert not reading.is_list
    assert reading.accounts == (
        AccountReading(
            number=5001,
            name="Ana Ruiz",
            balance=Decimal("100250.50"),
            connected=True,
            has_open_position=False,
            positions=(),
            equity=Decimal("100250.50"),
            floating=Decimal("0.00"),
            days_operating=12,
            holder="Ana",
            firm="North",
            initial_balance=Decimal("100000.00"),
        ),
    )


async def test_open_positions_are_read_when_the_account_says_that_it_has_some(agents):
    account_ = await one(agents, POSITION)
    (position,) = account_.positions
    assert (position.ticket, position.symbol, position.side) == (77, "EURUSD", "BUY")
    assert position.volume == Decimal("0.5")
    assert position.current_price == Decimal("1.08621")
    assert (position.sl, position.tp) == (None, Decimal("1.09"))
    assert position.opened_at is None
    assert account_.floating == Decimal("54.25")
    assert account_.equity == Decimal("100304.75")
    assert account_.positions_error == ""


@pytest.mark.parametrize(
    ("listed", "told", "why"),
    [
        ([POSITION], {"number": 0}, "account 0"),
        ([POSITION], {"number": 9}, "account 9"),
        ([], {"number": 0}, "account 0"),
        ([], {}, "listed none"),
        ([POSITION], {"position_count": 2}, "counts 2 positions and lists 1"),
    ],
)
async def test_positions_that_lie_are_unknown_and_never_flat(agents, listed, told, why):
    account_ = await one(agents, *listed, **told)
    assert account_.positions is None
    assert account_.floating is None
    assert account_.equity is None
    assert account_.balance == Decimal("100250.50")
    assert why in account_.positions_error


ODD = [
    ([POSITION, POSITION], [77, 77], "ticket: the same number twice"),
    ([{**POSITION, "profit": "1"}], [77], "profit: expected number, got str"),
    ([{**POSITION, "type": "HOLD"}], [77], "type: expected BUY or SELL, got HOLD"),
    ([{**POSITION, "volume": 0.000000001}], [77], "volume: expected at least 0.00000001"),
    ([{**POSITION, "volume": -1}], [77], "volume: "),
    ([{**POSITION, "volume": 1e30}], [77], "volume: "),
    ([{**POSITION, "volume": float("nan")}], [77], "volume: expected number, got NaN"),
    ([{**POSITION, "ticket": 0}], [None], "ticket: "),
    ([{**POSITION, "ticket": 2**64}], [None], "ticket: "),
    ([{**POSITION, "symbol": " "}], [77], "symbol: "),
    ([{key: value for key, value in POSITION.items() if key != "symbol"}], [77], "symbol: missing"),
    ([None], [None], "the answer: expected object, got null"),
]


@pytest.mark.parametrize(("rows", "tickets", "why"), ODD)
async def test_an_odd_row_is_open_and_unreadable_and_costs_no_other_row(agents, rows, tickets, why):
    account_ = await one(agents, {**POSITION, "ticket": 5}, *rows, {**POSITION, "ticket": 99})
    assert [position.ticket for position in account_.positions] == [5, 99]
    assert [row.ticket for row in account_.unreadable] == tickets
    assert why in account_.unreadable[0].problem
    assert not account_.is_whole
    assert (account_.balance, account_.positions_error) == (Decimal("100250.50"), "")
    # The sum of rows one of which is unknown.
    assert (account_.floating, account_.equity) == (None, None)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (None, "HTTP 404"),
        (response(b"oops", "500 Internal Server Error"), "HTTP 500"),
        (response(b"<html>"), "web page"),
        (b"", "closed the connection"),
    ],
)
async def test_a_failed_read_of_the_positions_leaves_the_account_known(agents, answer, why):
    async def agent(visit):
        if visit.request.path == "/accounts":
            await visit.json(account(has_open_position=True))
        elif answer:
            await visit.send(answer)
        elif answer is None:
            await visit.json({"detail": "Not Found"}, "404 Not Found")
        else:
            visit.reset()

    async with serving(agent) as server:
        (account_,) = (await agents.read(endpoint(server.url))).accounts
    assert account_.balance == Decimal("100250.50")
    assert account_.positions is None
    assert why in account_.positions_error


async def test_positions_that_hang_end_at_the_deadline_and_the_account_stays_known(
    make_client,
):
    async def agent(visit):
        if visit.request.path == "/accounts":
            await visit.json(account(has_open_position=True))
        else:
            await visit.reader.read()

    client = make_client(deadline=0.3)
    async with serving(agent) as server:
        (account_,) = (await client.read(endpoint(server.url))).accounts
    assert account_.positions is None
    assert "within 0.3 s" in account_.positions_error


@pytest.mark.parametrize(
    "told",
    [
        account(account_number=0, balance=0, status="disconnected", has_open_position=False),
        account(account_number=0, balance=0),
        account(status="disconnected"),
        account(status="disconnected", balance=None),
        [account(status="disconnected")],
        [account(account_number=0)],
        {"accounts": [account(account_number=0), account(account_number=0)]},
        [],
    ],
)
async def test_a_terminal_that_is_not_logged_in_is_disconnected_and_tells_no_figures(agents, told):
    with pytest.raises(TerminalDisconnected) as caught:
        await read(agents, {"/accounts": told})
    assert caught.value.status == "disconnected"


@pytest.mark.parametrize("wrap", [lambda accounts: accounts, lambda all_: {"accounts": all_}])
async def test_a_list_gives_all_its_accounts_and_positions_name_the_one_they_are_of(agents, wrap):
    accounts = [
        account(account_number=1, has_open_position=True),
        account(account_number=2, has_open_position=True),
        account(account_number=3),
        account(account_number=0),
        account(account_number=4, status="disconnected"),
    ]
    told = {"/accounts": wrap(accounts), "/positions": positions(POSITION, number=2)}
    reading, paths = await read(agents, told)
    one_, two, three, four = reading.accounts
    assert reading.is_list
    assert paths == ["GET /accounts", "GET /positions"]
    assert one_.positions is None
    assert "account 2" in one_.positions_error
    assert len(two.positions) == 1
    assert three.positions == ()
    assert (four.number, four.connected, four.positions) == (4, False, None)
    assert four.positions_error


async def test_the_same_account_twice_in_a_list_is_malformed(agents):
    with pytest.raises(Malformed, match="account_number"):
        await read(agents, {"/accounts": [account(), account()]})


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"balance": "100"}, "balance: expected number, got str"),
        ({"balance": "NaN"}, "balance: expected number, got str"),
        ({"balance": float("nan")}, "balance: expected number, got NaN"),
        ({"balance": float("-inf")}, "balance: expected number, got -Infinity"),
        ({"balance": 1e16}, "balance: expected number <= "),
        ({"balance": None}, "balance: missing"),
        ({"balance": True}, "balance: expected number"),
        ({"account_number": "5001"}, "account_number: expected whole number, got str"),
        ({"account_number": -5}, "account_number: expected whole number >= 0"),
        ({"account_number": 10**16}, "account_number: expected whole number <= "),
        ({"account_number": 1.5}, "account_number: expected whole number, got float"),
        ({"account_name": 5}, "account_name: expected str"),
        ({"status": "maybe"}, "status: expected connected or disconnected, got maybe"),
        ({"has_open_position": "yes"}, "has_open_position: expected bool"),
        ({"has_open_position": None}, "has_open_position: missing"),
        ({"days_operating": -1}, "days_operating: "),
        ({"initial_balance": "x"}, "initial_balance: expected number"),
    ],
)
def test_a_field_of_the_wrong_kind_is_an_error_that_names_it(changes, sentence):
    with pytest.raises(Malformed) as caught:
        parsed(**changes)
    assert caught.value.sentence.startswith(sentence)


@pytest.mark.parametrize(
    ("body", "error", "sentence"),
    [
        (b'{"account_number": 1, "balance": 1e999}', Malformed, "balance: number out of range"),
        (b'{"account_number": 1, "x": NaN}', Malformed, "x: expected number, got NaN"),
        (b"{}", Malformed, "account_number: missing"),
        (b"5", Malformed, "the answer: expected object, got int"),
        (b'{"account_number": 1, "x": ' + b"[" * 100_000, Malformed, "The answer is nested"),
        (b'{"account_number": 1, "account_name": "\xff"}', NotJson, "The answer is not JSON"),
        (b'{"account_number": 1', NotJson, "The answer is not JSON"),
        (b"\n <!doctype html><title>x</title>", NotJson, "It answered with a web page"),
        (b"", NotJson, "It answered with an empty body"),
    ],
)
def test_what_is_no_account_at_all_is_an_error_with_a_name(body, error, sentence):
    with pytest.raises(error) as caught:
        parse_accounts(body)
    assert caught.value.sentence.startswith(sentence)


@pytest.mark.parametrize("text", [None, "", "Unknown", "unknown", "N/A", " n/a "])
def test_a_holder_or_firm_that_is_not_told_is_empty(text):
    reading = parsed(account_holder=text, prop_firm=text)
    assert (reading.holder, reading.firm) == ("", "")


@pytest.mark.parametrize("initial", [None, 0, 0.0])
def test_an_initial_balance_that_is_not_told_is_unknown(initial):
    assert parsed(initial_balance=initial).initial_balance is None


def test_strings_are_data_clipped_and_cleaned():
    reading = parsed(account_name="<script>\u202e\x00" + "x" * 500, account_holder="A\n B")
    assert reading.name.startswith("<script>xxx")
    assert len(reading.name) == 128
    assert reading.holder == "A B"


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        (0.1 + 0.2, "0.3"),
        (10009.299999999999, "10009.3"),
        (0.05132412, "0.05132412"),
        (-0.00000001, "-0.00000001"),
        (-0.000000001, "0"),
        (1234567.123456789, "1234567.12345679"),
        (98765432.123456789, "98765432.1234568"),
    ],
)
def test_money_keeps_the_decimals_it_came_with_and_not_the_noise_of_floats(told, kept):
    assert parsed(balance=told).balance == Decimal(kept)


@pytest.mark.parametrize(
    ("told", "kept"), [(0.00004, "0.00004"), (0.12345678, "0.12345678"), (0.1 + 0.2, "0.3")]
)
def test_lots_are_as_fine_as_the_instrument(told, kept):
    listed = positions({**POSITION, "volume": told, "sl": 0.000000012345, "tp": 1.1 + 2.2})
    owner, _ = parse_accounts(json.dumps(account(has_open_position=True)).encode())
    (held,) = account_reading(owner[0], parse_positions(json.dumps(listed).encode())).positions
    assert (held.volume, held.sl) == (Decimal(kept), Decimal("0.000000012345"))
    assert held.tp == Decimal("3.3")


async def test_the_agents_own_words_for_a_refusal_are_quoted_and_clipped(agents):
    body = json.dumps({"detail": "MT5 \x1bnot initialized" + "!" * 1000}).encode()
    answers = {"/accounts": response(body, "500 Internal Server Error")}
    with pytest.raises(RefusedRequest) as caught:
        await read(agents, answers)
    assert caught.value.http_status == 500
    assert 'HTTP 500: "MT5 not initialized!!!' in caught.value.sentence
    assert len(caught.value.sentence) < 250


async def test_refresh_posts_once_and_is_not_repeated_when_the_connection_is_lost(agents):
    async def agent(visit):
        visit.reset()

    async with serving(agent) as server:
        with pytest.raises(ConnectionLost):
            await agents.refresh(endpoint(server.url))
        assert server.paths == ["POST /refresh"]


async def test_a_refresh_that_fails_is_an_error(agents):
    async with serving(telling({"/refresh": response(b"{}", "500 No")})) as server:
        with pytest.raises(RefusedRequest):
            await agents.refresh(endpoint(server.url))
    async with serving(telling({"/refresh": {"status": "success"}})) as server:
        await agents.refresh(endpoint(server.url))


@pytest.mark.parametrize(("count", "words"), [(1, "1 account"), (3, "3 accounts")])
async def test_ping_says_who_answers(agents, count, words):
    answers = {
        "/": {"service": "MT5 Agent", "agent_name": "a", "status": "up", "version": "1.2"},
        "/health": {"status": "healthy", "accounts_monitored": count},
    }
    async with serving(telling(answers)) as server:
        said = await agents.ping(endpoint(server.url))
    assert said == f"MT5 Agent 1.2 (contract 1) monitors {words}"


async def test_an_agent_without_the_call_may_be_one_of_the_other_contract(agents):
    async def agent(visit):
        await visit.json({"detail": "Not Found"}, "404 Not Found")

    async with serving(agent) as server:
        with pytest.raises(RefusedRequest, match="choose contract 2 and enter its secret"):
            await agents.read(endpoint(server.url))
        with pytest.raises(RefusedRequest, match="choose contract 1"):
            await agents.read(endpoint(server.url, contract="2", secret=b"x" * 32))
