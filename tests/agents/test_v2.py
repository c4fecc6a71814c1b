import json
import re
import time
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace

import msgspec
import pytest

from accounts.agents import v2
from accounts.agents.errors import (
    BadSignature,
    ConnectionLost,
    Malformed,
    Redirected,
    RefusedRequest,
    SecretMissing,
    TerminalDisconnected,
)
from accounts.agents.signing import content_digest
from accounts.agents.v2 import parse_state
from tests.agents.conftest import endpoint
from tests.agents.servers import Visit, response, serving, telling
from tests.agents.test_signing import ORACLE, SECRET, HTTPMessageSigner, HTTPMessageVerifier
from tests.agents.test_v1 import ODD

POSITION = {
    "ticket": 77,
    "identifier": 77,
    "symbol": "EURUSD",
    "type": "SELL",
    "volume": 0.5,
    "open_price": 1.0851,
    "current_price": 1.08621,
    "sl": None,
    "tp": 1.09,
    "profit": -55.5,
    "swap": -1.25,
    "open_time": "2026-01-05T09:00:00.250Z",
    "comment": "vs 12",
    "magic": 4242,
    "contract_size": 100000.0,
}
STATE = {
    "login": 7001,
    "server": "North-Live",
    "company": "North Ltd",
    "name": "Ana Ruiz",
    "currency": "USD",
    "margin_mode": "hedging",
    "leverage": 100,
    "balance": 100000.0,
    "credit": 0.0,
    "equity": 99943.25,
    "margin": 540.0,
    "margin_free": 99403.25,
    "margin_level": 18508.0,
    "profit": -56.75,
    "connected": True,
    "trade_allowed": True,
    "expert_allowed": True,
    "days_operating": 12,
    "broker_utc_offset_s": 7200,
    "as_of": "2026-01-05T10:00:00Z",
    "positions": [POSITION],
}


def parsed(**changes):
    return parse_state(json.dumps({**STATE, **changes}).encode())


def signed(request, body, status="200 OK", headers=None, *, skew=0, verify=True):
    """The bytes of an answer that the library signed, after it verified `request`."""
    url = f"http://agent{request.path}"
    message = SimpleNamespace(method=request.method, url=url, headers=dict(request.headers))
    if verify:
        HTTPMessageVerifier(**ORACLE).verify(message, body=b"")
    headers = {"Content-Type": "application/json", **(headers or {})}
    headers["Content-Digest"] = content_digest(body)
    headers["Request-Nonce"] = nonce_of(request)
    present = [name for name in ("content-type", "request-nonce", "etag") if name in lower(headers)]
    answer = SimpleNamespace(status_code=int(status[:3]), headers=headers, body=body)
    HTTPMessageSigner(**ORACLE).sign(
        answer,
        key_id="agent",
        created=datetime.fromtimestamp(time.time() + skew, UTC),
        label="sig1",
        covered_component_ids=["@status", "content-digest", *present],
        use_existing_digest=True,
    )
    lines = [f"{name}: {value}" for name, value in headers.items()]
    length = [] if status.startswith("304") else [f"Content-Length: {len(body)}"]
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, *length, "", ""]).encode() + body


def nonce_of(request):
    return re.search('nonce="(.*?)"', request.headers["signature-input"])[1]


def lower(headers):
    return {name.lower() for name in headers}


def serves(body=None, status="200 OK", **how):
    """An agent of contract 2 that answers every request with `body`, signed."""
    content = json.dumps(STATE if body is None else body).encode() if body != b"" else b""

    async def agent(visit: Visit):
        await visit.send(signed(visit.request, content, status, **how))

    return agent


def at(server, **more):
    return endpoint(server.url + "/agents/3", "2", **{"secret": SECRET, **more})


async def test_the_account_and_its_positions_come_in_one_reading(agents):
    async with serving(serves(headers={"ETag": '"v7"'})) as server:
        reading = await agents.read(at(server))
        assert server.paths == ["GET /agents/3/v2/state"]
        assert "if-none-match" not in server.requests[0].headers
    (account,) = reading.accounts
    (position,) = account.positions
    assert (reading.etag, reading.is_list) == ('"v7"', False)
    assert (account.number, account.server, account.currency) == (7001, "North-Live", "USD")
    assert (account.equity, account.floating) == (Decimal("99943.25"), Decimal("-56.75"))
    assert (account.margin_mode, account.leverage, account.trade_allowed) == ("hedging", 100, True)
    assert (position.side, position.magic, position.comment) == ("SELL", 4242, "vs 12")
    assert position.opened_at == datetime(2026, 1, 5, 9, 0, 0, 250_000, UTC)
    assert (position.sl, position.commission) == (None, None)


async def test_nothing_changed_is_none_and_the_etag_was_sent(agents):
    async with serving(serves(b"", "304 Not Modified", headers={"ETag": '"v7"'})) as server:
        assert await agents.read(at(server, etag='"v7"')) is None
        assert server.requests[0].headers["if-none-match"] == '"v7"'


@pytest.mark.parametrize("etag", ['"' + "v" * 200 + '"', '"v\t7"'])
async def test_an_etag_that_cannot_be_sent_back_is_none(agents, etag):
    async with serving(serves(headers={"ETag": etag})) as server:
        assert (await agents.read(at(server))).etag is None


@pytest.mark.parametrize("etag", ['"v\xe9"', '"\u2026"', '"v\x00"', ""])
def test_an_etag_that_no_request_can_carry_is_none(etag):
    assert v2._etag(etag) is None


async def test_nothing_changed_in_answer_to_no_etag_is_an_error(agents):
    async with serving(serves(b"", "304 Not Modified")) as server:
        with pytest.raises(Redirected):
            await agents.read(at(server))


@pytest.mark.parametrize("told", [response(b"", "304 Not Modified"), response(b"{}")])
async def test_an_answer_that_is_not_signed_is_not_believed(agents, told):
    async with serving(telling({"/agents/3/v2/state": told})) as server:
        with pytest.raises(BadSignature, match="not signed"):
            await agents.read(at(server, etag='"v7"'))


async def test_an_error_of_something_on_the_way_is_reported_as_what_it_is(agents):
    told = response(b"<h1>Bad Gateway</h1>", "502 Bad Gateway", "text/html")
    async with serving(telling({"/agents/3/v2/state": told})) as server:
        with pytest.raises(RefusedRequest, match="HTTP 502"):
            await agents.read(at(server))


async def test_a_wrong_secret_and_a_wrong_clock_are_told_apart(agents):
    async with serving(serves(verify=False)) as server:
        with pytest.raises(BadSignature, match="is the secret here the agent's"):
            await agents.read(at(server, secret=b"other"))
    async with serving(serves(skew=-300)) as server:
        with pytest.raises(BadSignature, match="clock is 30. s behind"):
            await agents.read(at(server))


async def test_without_a_secret_nothing_is_sent(agents):
    async with serving(serves()) as server:
        for call in (agents.read, agents.refresh):
            with pytest.raises(SecretMissing):
                await call(at(server, secret=None))
        assert server.connections == 0


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("account-unreadable", TerminalDisconnected),
        ("terminal-unavailable", TerminalDisconnected),
        ("https://example.com/problems/terminal-unavailable", TerminalDisconnected),
        ("positions-unreadable", RefusedRequest),
        ("terminal-timeout", RefusedRequest),
    ],
)
async def test_a_problem_is_told_by_its_type_and_title(agents, kind, error):
    problem = {"type": kind, "title": "The thing cannot be read", "status": 503}
    how = {"headers": {"Content-Type": "application/problem+json"}}
    async with serving(serves(problem, "503 Service Unavailable", **how)) as server:
        with pytest.raises(error) as caught:
            await agents.read(at(server))
    if error is RefusedRequest:
        assert 'HTTP 503: "The thing cannot be read"' in caught.value.sentence
        assert caught.value.problem == kind


async def test_a_problem_that_nobody_signed_does_not_make_a_terminal_disconnected(agents):
    told = response(b'{"type": "account-unreadable"}', "503 Service Unavailable")
    async with serving(telling({"/agents/3/v2/state": told})) as server:
        with pytest.raises(RefusedRequest):
            await agents.read(at(server))


async def test_a_reading_that_is_asked_for_again_has_another_nonce(agents):
    async def agent(visit):
        if len(server.requests) == 2:
            visit.reset()
        else:
            await visit.send(signed(visit.request, json.dumps(STATE).encode()))

    async with serving(agent) as server:
        await agents.read(at(server))
        await agents.read(at(server))
        assert len({nonce_of(request) for request in server.requests}) == 3


async def test_refresh_is_signed_posted_once_and_not_repeated(agents):
    async with serving(serves({"status": "success"})) as server:
        await agents.refresh(at(server))
        assert server.paths == ["POST /agents/3/v2/refresh"]

    async def agent(visit):
        visit.reset()

    async with serving(agent) as server:
        with pytest.raises(ConnectionLost):
            await agents.refresh(at(server))
        assert len(server.requests) == 1


async def test_ping_says_who_answers_and_shows_that_the_secret_fits(agents):
    async def agent(visit):
        if visit.request.path.endswith("/ping"):
            assert "signature" not in visit.request.headers
            await visit.json({"contract": "2", "agent": "vps-7"})
        else:
            await visit.send(signed(visit.request, json.dumps(STATE).encode(), verify=False))

    async with serving(agent) as server:
        said = await agents.ping(at(server, etag='"old"'))
        assert said == "vps-7 (contract 2) monitors account 7001 at North-Live"
        with pytest.raises(BadSignature):
            await agents.ping(at(server, secret=b"other"))


async def test_ping_of_an_agent_that_speaks_another_contract_says_so(agents):
    async with serving(telling({"/agents/3/v2/ping": {"contract": "3"}})) as server:
        with pytest.raises(Malformed, match="contract: expected 2, got 3"):
            await agents.ping(at(server))


@pytest.mark.parametrize("changes", [{"connected": False}, {"login": 0}])
def test_a_terminal_without_its_broker_is_disconnected(changes):
    with pytest.raises(TerminalDisconnected):
        parsed(**changes)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"balance": None}, "balance: expected number, got null"),
        ({"equity": "1"}, "equity: expected number, got str"),
        ({"login": -1}, "login: "),
        ({"positions": None}, "positions: "),
    ],
)
def test_a_field_of_the_wrong_kind_is_an_error_that_names_it(changes, sentence):
    with pytest.raises(Malformed) as caught:
        parsed(**changes)
    assert caught.value.sentence.startswith(sentence)


@pytest.mark.parametrize(("rows", "tickets", "why"), ODD)
def test_an_odd_row_is_open_and_unreadable_and_costs_no_other_row(rows, tickets, why):
    # The odd ones are those of contract 1: what differs between the two is optional.
    account = parsed(positions=[{**POSITION, "ticket": 5}, *rows])
    assert [position.ticket for position in account.positions] == [5]
    assert [row.ticket for row in account.unreadable] == tickets
    assert why.split(" expected")[0] in account.unreadable[0].problem
    assert account.has_open_position
    assert not account.is_whole
    assert account.equity == parsed().equity


@pytest.mark.parametrize(
    ("told", "digits"), [(8, 8), (0, 0), (None, None), (-1, None), (99, None), ("2", None)]
)
def test_the_decimals_of_money_are_those_of_its_currency_or_unknown(told, digits):
    account = parsed(currency_digits=told, balance=0.05132412)
    assert account.currency_digits == digits
    assert account.balance == Decimal("0.05132412")


@pytest.mark.parametrize(
    "text", [None, "", "yesterday", "2026-01-05T09:00:00", "0001-01-01T00:00:00+14:00"]
)
def test_a_time_without_an_offset_is_no_known_moment(text):
    assert parsed(positions=[{**POSITION, "open_time": text}]).positions[0].opened_at is None


def test_what_is_not_told_is_unknown():
    bare = {key: STATE[key] for key in ("login", "connected", "balance", "equity", "profit")}
    reading = parse_state(json.dumps({**bare, "positions": []}).encode())
    assert reading.positions == ()
    assert reading.has_open_position is False
    assert (reading.margin, reading.credit, reading.leverage) == (None, None, None)
    assert (reading.server, reading.margin_mode) == ("", "")


def test_a_secret_never_shows_in_the_text_of_an_endpoint():
    shown = endpoint("http://10.0.0.5", "2", secret=b"hush")
    assert "hush" not in repr(shown) + str(shown)
    assert "hush" not in repr(msgspec.structs.replace(shown, name="two"))
