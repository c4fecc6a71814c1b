"""Trades of contract 1: what goes out, and what each answer proves."""

from decimal import Decimal

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.agents import AgentError, NotSent
from accounts.agents.call import Answer
from accounts.agents.trade1 import verdict
from tests.agents.orders import DONE1, POSITION, SPEC, TAG, body_of, order, outcome, saying, traded
from tests.agents.servers import response, serving


async def told(agents, content, request=None, status="200 OK"):
    async with serving(saying(content, status)) as server:
        called = await traded(agents, server, request or order())
        assert len(server.requests) == 1
    return called


# --- what goes out ------------------------------------------------------------------------------


async def sent(agents, request, spec=SPEC):
    async with serving(saying({"success": True, "ticket": POSITION})) as server:
        await traded(agents, server, request, spec=spec)
        assert server.requests[0].headers["content-type"] == "application/json"
        assert "transfer-encoding" not in server.requests[0].headers
        return server.paths[0], body_of(server)


async def test_an_open_says_its_stops_in_pips_from_the_price_it_opens_at(agents):
    request = order(sl=Decimal("1.08010"), tp=Decimal("1.09515"))
    path, body = await sent(agents, request)
    assert path == "POST /positions/open"
    assert body == {
        "symbol": "EURUSD",
        "lot": Decimal("0.10"),
        "order_type": "BUY",
        "comment": TAG,
        "sl": 50,
        "tp": Decimal("100.5"),
    }
    _, body = await sent(agents, order(side="SELL", sl=Decimal("1.08998"), tp=Decimal("1.07998")))
    assert (body["order_type"], body["sl"], body["tp"]) == ("SELL", 50, 50)


async def test_an_open_without_stops_says_none_and_needs_no_specification(agents):
    _, body = await sent(agents, order(), spec=None)
    assert set(body) == {"symbol", "lot", "order_type", "comment"}


async def test_a_close_is_of_the_whole_position(agents):
    assert await sent(agents, order("close")) == (
        "POST /positions/close",
        {"ticket": POSITION, "deviation": 20},
    )


async def test_a_part_of_a_position_cannot_be_closed_and_is_not_sent(agents):
    async with serving(saying(DONE1)) as server:
        called = await traded(agents, server, order("close", volume=Decimal("0.05")))
        assert server.connections == 0
    assert isinstance(called, NotSent)
    assert "closes a position whole" in called.sentence


async def test_a_modify_says_levels_and_0_for_none(agents):
    assert await sent(agents, order("modify", tp=None)) == (
        "PUT /positions/modify",
        {"ticket": POSITION, "sl": Decimal("1.08"), "tp": 0},
    )


async def test_figures_go_out_exactly_and_without_an_exponent(agents):
    async with serving(saying(DONE1)) as server:
        await traded(agents, server, order(volume=Decimal("1E+2"), tp=Decimal("1.0951000")))
        assert b'"lot":100,' in server.requests[0].body
        assert b'"tp":100.0000}' in server.requests[0].body
    async with serving(saying({"success": True, "ticket": POSITION})) as server:
        await traded(agents, server, order("modify", sl=Decimal("1E-7"), tp=None))
        assert b'"sl":0.0000001,"tp":0}' in server.requests[0].body


# --- what an answer proves ----------------------------------------------------------------------


async def test_success_with_a_ticket_is_done(agents):
    answer = await told(agents, DONE1)
    assert answer.outcome == "done"
    assert (answer.order, answer.position, answer.deal) == (77, 77, None)
    assert answer.price == Decimal("1.0851")
    assert answer.message == "Order executed"
    assert '"ticket": 77' in answer.received


async def test_a_close_that_succeeds_tells_its_price(agents):
    content = {"success": True, "ticket": POSITION, "message": "Closed", "close_price": 1.0849}
    answer = await told(agents, content, order("close"))
    assert (answer.outcome, answer.position, answer.order) == ("done", POSITION, None)
    assert answer.price == Decimal("1.0849")
    other = await told(agents, {**content, "ticket": 99}, order("close"))
    assert (other.outcome, other.position, other.order) == ("done", POSITION, 99)


async def test_a_successful_modify_is_done_if_its_levels_are_those_requested(agents):
    content = {"success": True, "ticket": POSITION, "new_sl": 1.08, "new_tp": 1.095}
    for told_ in (content, {"success": True, "ticket": POSITION}, {**content, "new_sl": None}):
        assert outcome(await told(agents, told_, order("modify"))) == "done"
    none = {"success": True, "ticket": POSITION, "new_sl": 1.08, "new_tp": 0.0}
    assert outcome(await told(agents, none, order("modify", tp=None))) == "done"


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("open", {"success": True}),
        ("open", {"success": True, "ticket": None}),
        ("open", {"success": True, "ticket": 0}),
        ("open", {"success": True, "ticket": -5}),
        ("open", {"success": True, "ticket": "77"}),
        ("open", {"success": True, "ticket": 77.5}),
        ("open", {"success": True, "ticket": 2**63}),
        ("open", {"success": "true", "ticket": 77}),
        ("open", {"success": 1, "ticket": 77}),
        ("open", {"success": None, "ticket": 77}),
        ("open", {"ticket": 77}),
        ("open", {"success": True, "ticket": 77, "error_code": 10019}),
        ("open", {"success": True, "ticket": 77, "error_code": 10008}),
        ("open", {"success": True, "ticket": 77, "error_code": 10010}),
        ("open", {"success": True, "ticket": 77, "error_code": 1}),
        ("open", {"success": True, "ticket": 77, "price": "1.1"}),
        ("open", {"success": True, "ticket": 77, "price": -1}),
        ("open", {"success": False}),
        ("open", {"success": False, "message": "Insufficient margin"}),
        ("open", {"success": False, "error_code": None}),
        ("open", {"success": False, "error_code": 0}),
        ("open", {"success": False, "error_code": 10008}),
        ("open", {"success": False, "error_code": 10009}),
        ("open", {"success": False, "error_code": 10010}),
        ("open", {"success": False, "error_code": 10012}),
        ("open", {"success": False, "error_code": 10031}),
        ("open", {"success": False, "error_code": 10025}),
        ("open", {"success": False, "error_code": -10004}),
        ("open", {"success": False, "error_code": "10019"}),
        ("open", {"detail": "Insufficient margin"}),
        ("close", {"success": False, "error_code": 10036}),
        ("close", {"success": True}),
        ("modify", {"success": True, "ticket": 99}),
        ("modify", {"success": True, "ticket": POSITION, "new_sl": 1.07}),
        ("modify", {"success": True, "ticket": POSITION, "new_tp": 1.2}),
    ],
)
async def test_an_answer_that_says_too_little_or_two_things_is_unknown(agents, kind, content):
    called = await told(agents, content, order(kind))
    assert outcome(called) == "unknown"
    assert called.received


async def test_levels_that_stay_though_none_was_asked_are_unknown(agents):
    content = {"success": True, "ticket": POSITION, "new_sl": 1.08, "new_tp": 1.095}
    called = await told(agents, content, order("modify", tp=None))
    assert outcome(called) == "unknown"
    assert called.message == "new_tp: 1.095 is not what was asked"


@pytest.mark.parametrize(
    ("code", "name"), [(10019, "NO_MONEY"), (10004, "REQUOTE"), (10018, "MARKET_CLOSED")]
)
async def test_a_return_code_that_proves_a_rejection_is_one(agents, code, name):
    content = {"success": False, "ticket": 0, "message": "No", "error_code": code}
    answer = await told(agents, content)
    assert (answer.outcome, answer.retcode, answer.retcode_name) == ("rejected", code, name)
    assert (answer.order, answer.position) == (None, None)


async def test_a_code_of_something_else_is_no_return_code(agents):
    answer = await told(agents, {"success": False, "error_code": -10004})
    assert (answer.outcome, answer.retcode) == ("unknown", None)


@pytest.mark.parametrize(
    ("kind", "detail"),
    [
        ("open", "Insufficient margin"),
        ("open", "Symbol EURUSD not found"),
        ("close", f"Position {POSITION} not found"),
        ("modify", "SL too close to current price"),
    ],
)
async def test_a_400_with_a_known_message_is_a_rejection(agents, kind, detail):
    answer = await told(agents, {"detail": detail}, order(kind), "400 Bad Request")
    assert (answer.outcome, answer.message, answer.retcode) == ("rejected", detail, None)
    assert detail in answer.received


@pytest.mark.parametrize(
    ("kind", "detail", "code"),
    [
        ("open", "Order failed: Market closed", 10018),
        ("close", "Close failed: AutoTrading disabled by client", 10027),
        ("modify", "Modify failed: Invalid stops.", 10016),
    ],
)
async def test_a_400_with_a_comment_of_a_definite_return_code_is_a_rejection(
    agents, kind, detail, code
):
    answer = await told(agents, {"detail": detail}, order(kind), "400 Bad Request")
    assert (answer.outcome, answer.retcode, answer.external) == ("rejected", code, False)
    assert answer.message in detail
    assert detail in answer.received


async def test_a_modify_that_changes_nothing_has_what_was_asked(agents):
    content = {"detail": "Modify failed: No changes"}
    answer = await told(agents, content, order("modify"), "400 Bad Request")
    assert (answer.outcome, answer.retcode, answer.position) == ("done", 10025, POSITION)


@pytest.mark.parametrize("kind", ["close", "modify"])
@pytest.mark.parametrize("prefix", ["", "Close failed: ", "Modify failed: "])
async def test_a_position_that_is_not_found_is_said_to_be_gone(agents, kind, prefix):
    detail = f"{prefix}Position {POSITION} not found"
    answer = await told(agents, {"detail": detail}, order(kind), "400 Bad Request")
    own = not prefix or prefix.lower().startswith(kind)
    assert (outcome(answer), answer.external) == (("rejected" if own else "unknown"), own)


@pytest.mark.parametrize(
    "content",
    [
        {"detail": "Order failed: Request timed out"},
        {"detail": ["Order failed: No money"]},
        {"detail": ["Insufficient margin"]},
        {"detail": {"message": "Insufficient margin"}},
        {"detail": None},
        {"message": "Insufficient margin"},
        {"title": "Insufficient margin"},
        {},
        b"Insufficient margin",
        b'"Insufficient margin"',
        b"",
    ],
)
async def test_a_400_with_anything_else_is_unknown(agents, content):
    assert outcome(await told(agents, content, status="400 Bad Request")) == "unknown"


@pytest.mark.parametrize(
    "status", ["200 OK", "401 No", "403 No", "404 No", "409 No", "422 No", "500 No", "503 No"]
)
async def test_a_known_message_with_another_status_is_unknown(agents, status):
    content = {"detail": "Insufficient margin"}
    assert outcome(await told(agents, content, status=status)) == "unknown"


async def test_success_with_another_status_is_unknown(agents):
    for status in ("201 Created", "202 Accepted", "400 Bad Request", "500 Oops"):
        assert outcome(await told(agents, DONE1, status=status)) == "unknown"


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_no_bytes_are_taken_for_more_than_they_are(body):
    for status in (200, 400, 500):
        try:
            answer = verdict("POST /x", order(), Answer(status, httpx.Headers(), body, body))
        except AgentError:
            continue
        assert answer.outcome == "unknown"


async def test_markup_in_a_message_is_text_and_control_characters_are_gone(agents):
    said = response(b'{"success": true, "ticket": 7, "message": "<b>\\u202e\\u0000ok</b>"}')
    async with serving(saying(said.partition(b"\r\n\r\n")[2])) as server:
        called = await traded(agents, server)
    assert called.message == "<b>ok</b>"
