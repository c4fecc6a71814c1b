"""Trades of contract 2: what goes out, and what each answer proves."""

import json
import re
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.agents import AgentError, NotSent, fields
from accounts.agents.trade2 import REFUSALS, Told, weighed
from tests.agents.orders import DONE2, POSITION, TAG, body_of, order, outcome, saying, traded
from tests.agents.servers import serving
from tests.agents.test_parsing import JSON

PROBLEM = "application/problem+json"


async def told(agents, content, request=None, status="200 OK", **how):
    async with serving(saying(content, status, "2", **how)) as server:
        called = await traded(agents, server, request or order(), "2")
        assert len(server.requests) == 1
    return called


async def refused(agents, problem, status="422 Unprocessable", request=None):
    return await told(agents, problem, request, status, kind=PROBLEM)


# --- what goes out ------------------------------------------------------------------------------


async def test_an_order_goes_out_signed_with_every_field_of_the_contract(agents):
    """That the signature covers the body, the server of the tests verifies with the library."""
    late = datetime(2026, 3, 4, 12, 0, 0, 999_999, timezone(timedelta(hours=2)))
    request = order(sl=Decimal("1.0800"), expires_at=late.replace(year=2099))
    async with serving(saying(DONE2, contract="2")) as server:
        await traded(agents, server, request, "2")
        assert server.paths == ["POST /v2/orders"]
        body = body_of(server)
        text = server.requests[0].body
    assert body == {
        "kind": "open",
        "tag": TAG,
        "magic": 424242,
        "expected_login": 5001,
        "expected_server": "North-Live",
        "expires_at": "2099-03-04T10:00:00.999Z",
        "symbol": "EURUSD",
        "side": "BUY",
        "volume": Decimal("0.10"),
        "sl": Decimal("1.0800"),
        "tp": None,
        "position": None,
        "deviation": 20,
    }
    assert b'"volume":0.10,' in text


async def test_figures_go_out_without_an_exponent(agents):
    async with serving(saying(DONE2, contract="2")) as server:
        await traded(agents, server, order(volume=Decimal("1E+2"), sl=Decimal("1E-7")), "2")
        assert b'"volume":100,"sl":0.0000001,' in server.requests[0].body


# --- what an answer proves ----------------------------------------------------------------------


async def test_what_the_agent_tells_of_an_execution_is_kept_exactly(agents):
    answer = await told(agents, DONE2)
    assert (answer.outcome, answer.retcode, answer.retcode_name) == ("done", 10009, "DONE")
    assert (answer.order, answer.deal, answer.position) == (77, 78, 77)
    assert (answer.volume, answer.price) == (Decimal("0.1"), Decimal("1.0851"))
    assert (answer.bid, answer.ask) == (Decimal("1.08498"), Decimal("1.0851"))
    assert answer.message == "Request executed"
    assert json.loads(answer.received) == DONE2
    assert not answer.external


MODIFIED = {"order": None, "deal": None, "volume": None, "price": None}
CASES = [
    # kind, changes, outcome
    ("open", {}, "done"),
    ("open", {"tag": None}, "done"),
    ("open", {"outcome": "partial", "retcode": 10010, "volume": 0.05}, "partial"),
    ("open", {"outcome": "partial", "retcode": 10009, "volume": 0.05}, "partial"),
    ("open", {"volume": None, "price": None}, "done"),
    ("open", {"volume": 0, "price": 0.0, "deal": 0}, "done"),
    ("open", {"outcome": "unknown", "retcode": 10012}, "unknown"),
    ("open", {"outcome": "unknown", "retcode": None}, "unknown"),
    ("open", {"outcome": "done", "retcode": 10012, "recovered": True}, "done"),
    ("open", {"outcome": "done", "retcode": None, "recovered": True}, "done"),
    ("modify", {**MODIFIED, "position": POSITION}, "done"),
    ("modify", {**MODIFIED, "retcode": 10025, "retcode_name": "NO_CHANGES"}, "done"),
    ("close", {"volume": 0.3, "position": POSITION}, "done"),
    ("close", {"retcode": 10036, "external": True, "recovered": True}, "done"),
    # contradictions
    ("open", {"tag": "ANOTHER"}, "unknown"),
    ("open", {"outcome": "done", "retcode": 10019}, "unknown"),
    ("open", {"outcome": "done", "retcode": 10008}, "unknown"),
    ("open", {"outcome": "done", "retcode": None}, "unknown"),
    ("open", {"outcome": "done", "retcode": 4242}, "unknown"),
    ("open", {"outcome": "done", "retcode": 10019, "recovered": True}, "unknown"),
    ("open", {"outcome": "rejected", "retcode": 10009}, "unknown"),
    ("open", {"outcome": "rejected", "retcode": 10012}, "unknown"),
    ("open", {"outcome": "rejected", "retcode": None}, "unknown"),
    ("open", {"outcome": "rejected", "retcode": 10019}, "unknown"),  # with a deal
    ("open", {"outcome": "unknown", "retcode": 10009}, "unknown"),
    ("open", {"order": None, "deal": None, "position": None}, "unknown"),
    (
        "open",
        {"order": None, "position": None},
        "unknown",
    ),  # of which position? only its deal is told
    ("open", {"volume": 0.2}, "unknown"),
    ("open", {"volume": 0.05}, "unknown"),
    ("open", {"outcome": "partial", "retcode": 10010, "volume": None}, "unknown"),
    ("open", {"outcome": "partial", "retcode": 10010, "volume": 0.1}, "unknown"),
    ("open", {"outcome": "partial", "retcode": 10010, "volume": 0.2}, "unknown"),
    ("close", {"retcode": 10036}, "unknown"),
    # no answers at all
    ("open", {"outcome": "filled"}, "unknown"),
    ("open", {"outcome": None}, "unknown"),
    ("open", {"retcode": "10009"}, "unknown"),
    ("open", {"order": "77"}, "unknown"),
    ("open", {"order": -1}, "unknown"),
    ("open", {"volume": "0.1"}, "unknown"),
    ("open", {"volume": -0.1}, "unknown"),
    ("open", {"price": 1e300}, "unknown"),
    ("open", {"recovered": "yes"}, "unknown"),
]


@pytest.mark.parametrize(("kind", "changes", "expected"), CASES)
async def test_the_outcome_is_the_agents_unless_its_answer_contradicts_it(
    agents, kind, changes, expected
):
    called = await told(agents, {**DONE2, **changes}, order(kind))
    assert outcome(called) == expected
    assert called.received


NOTHING = dict.fromkeys(("order", "deal", "position", "volume", "price"))


@pytest.mark.parametrize("code", [10004, 10006, 10014, 10016, 10018, 10019, 10027, 10030])
async def test_a_rejection_with_its_code_is_one(agents, code):
    answer = await told(
        agents, {**DONE2, **NOTHING, "outcome": "rejected", "retcode": code, "comment": "No"}
    )
    assert (answer.outcome, answer.retcode, answer.message) == ("rejected", code, "No")


async def test_a_rejection_that_the_terminals_records_show_is_one(agents):
    changes = {"outcome": "rejected", "retcode": 10012, "recovered": True, "order": 77}
    assert outcome(await told(agents, {**DONE2, **NOTHING, **changes})) == "rejected"


async def test_a_close_that_came_too_late_says_so(agents):
    told_ = {**DONE2, "retcode": 10036, "external": True, "recovered": True, "volume": 0.4}
    answer = await told(agents, told_, order("close", volume=Decimal("0.1")))
    assert (answer.outcome, answer.external, answer.retcode) == ("done", True, 10036)


@pytest.mark.parametrize("status", ["201 Created", "202 Accepted", "204 No Content"])
async def test_another_status_than_200_is_no_outcome(agents, status):
    body = b"" if status.startswith("204") else json.dumps(DONE2).encode()
    assert outcome(await told(agents, body, status=status)) == "unknown"


# --- refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(REFUSALS))
async def test_a_signed_refusal_that_says_that_nothing_was_sent_proves_it(agents, kind):
    problem = {"type": kind, "title": "It cannot", "detail": "because of that", "sent": False}
    called = await refused(agents, problem)
    assert isinstance(called, NotSent)
    assert called.sentence == "The agent refused it and sent nothing: It cannot: because of that"
    assert called.cause.problem == kind


@pytest.mark.parametrize(
    ("kind", "sent", "becomes"),
    [
        ("close", False, "rejected"),
        ("modify", False, "rejected"),
        ("open", False, "not-sent"),
        ("close", True, "unknown"),
    ],
)
async def test_a_position_that_is_not_found_is_said_to_be_gone(agents, kind, sent, becomes):
    problem = {"type": "position-not-found", "title": "There is no such position", "sent": sent}
    called = await refused(agents, problem, request=order(kind))
    assert outcome(called) == becomes
    assert getattr(called, "external", False) is (becomes == "rejected")


@pytest.mark.parametrize("said", [{}, {"sent": True}, {"sent": None}, {"sent": 0}, {"sent": "no"}])
@pytest.mark.parametrize("kind", ["order-expired", "terminal-timeout", "terminal-unavailable"])
async def test_a_refusal_that_does_not_say_so_is_unknown(agents, kind, said):
    called = await refused(agents, {"type": kind, "title": "It cannot", **said})
    assert outcome(called) == "unknown"


@pytest.mark.parametrize(
    "kind",
    [
        "signature-missing",
        "signature-invalid",
        "signature-expired",
        "nonce-reused",
        "tag-conflict",
        "journal-unreadable",
        "internal-error",
        "body-too-large",
        "something-new",
        "about:blank",
        "",
    ],
)
async def test_a_problem_that_may_be_of_a_copy_of_the_request_is_unknown(agents, kind):
    """Something on the way that sends a request twice would have the second refused, not the
    first."""
    called = await refused(agents, {"type": kind, "title": "No", "sent": False})
    assert outcome(called) == "unknown"


@pytest.mark.parametrize("kind", ["not-found", "method-not-allowed"])
async def test_an_agent_that_cannot_trade_has_not_traded(agents, kind):
    called = await refused(agents, {"type": kind, "title": "Nothing there"}, "404 Not Found")
    assert isinstance(called, NotSent)


@pytest.mark.parametrize("status", ["200 OK", "202 Accepted", "302 Found", "304 Not Modified"])
async def test_a_refusal_that_is_no_http_error_is_none(agents, status):
    body = b"" if status.startswith("304") else b'{"type": "order-expired", "sent": false}'
    called = await told(agents, body, status=status, kind=PROBLEM)
    assert outcome(called) == "unknown"


def test_every_refusal_that_the_agent_knows_is_known_here():
    """What its rules can refuse, by the table of their titles."""
    rules = (Path(__file__).parents[2] / "agent" / "orders" / "rules.py").read_text()
    kinds = set(re.findall(r'^    "([a-z-]+)": "', rules, re.M))
    assert len(kinds) > 10
    assert kinds <= REFUSALS


# --- properties ---------------------------------------------------------------------------------

CHANGES = st.dictionaries(st.sampled_from(sorted([*DONE2, "external", "recovered"])), JSON)
CODES = st.sampled_from([None, 0, 10004, 10008, 10009, 10010, 10012, 10019, 10025, 10036, 1])


@given(
    st.sampled_from(["done", "partial", "rejected", "unknown"]),
    CODES,
    st.booleans(),
    st.booleans(),
    st.sampled_from([None, "0", "0.05", "0.1", "0.2"]),
    st.sampled_from([None, True, False]),
)
def test_no_outcome_contradicts_its_code_or_its_volume(
    said, code, recovered, external, volume, sent
):
    raw = msgspec.Raw(b"null" if volume is None else volume.encode())
    told_ = Told(
        said, retcode=code, recovered=recovered, external=external, volume=raw, sent=sent, deal=7
    )
    answer = weighed(told_, b"{}", order())
    assert answer.outcome in (said, "unknown")
    if answer.outcome == "rejected":
        assert code not in (10009, 10010, 10025)
        assert answer.volume is None
    if answer.outcome in ("done", "partial"):
        assert code not in (10004, 10019)
        assert external or (answer.volume or 0) <= Decimal("0.1")
        assert recovered or code in (10009, 10010, 10025)
    if answer.outcome == "partial":
        assert answer.volume


@given(CHANGES)
def test_any_answer_is_weighed_or_an_agent_error(changes):
    body = json.dumps({**DONE2, **changes}).encode()
    try:
        told_ = fields.decode(body, msgspec.json.Decoder(Told))
        answer = weighed(told_, body, order())
    except AgentError:
        return
    assert len(answer.message) <= 300
    assert answer.message.isprintable()
