"""The client against the agents that users install, over HTTP, with the venue's ledger as judge.

The agents trade on a simulated venue that fails on request. Whatever it does, an order is sent once
at most, and the client never says what the ledger does not.
"""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from accounts.agents import AgentClient, Endpoint, NotSent
from agent.simulated.trade_faults import TRADE_FAULTS
from tests.agents.conftest import MakeClient
from tests.agents.orders import outcome, soon
from tests.venue import SYMBOL, Venue

CONTRACTS = pytest.mark.parametrize("contract", ["1", "2"])


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Venue]:
    with Venue(tmp_path) as running:
        yield running


@pytest.fixture
async def agents(make_client: MakeClient) -> AgentClient:
    return make_client(trade_deadline=20.0, deadline=10.0)


@CONTRACTS
async def test_a_position_is_opened_modified_and_closed(
    agents: AgentClient, running: Venue, contract: str
) -> None:
    at = running.endpoint(contract)
    spec = await agents.symbol(at, SYMBOL)
    assert spec.bid
    assert spec.ask
    assert spec.point
    sl, tp = spec.bid - 500 * spec.point, spec.bid + 500 * spec.point
    opened = await agents.trade(at, running.asked(contract, sl=sl, tp=tp), spec)
    assert opened.outcome == "done", opened
    ticket = opened.position or opened.order
    assert ticket
    assert opened.price
    (position,) = await positions(agents, at, ticket)
    assert position.volume == Decimal("0.10")
    # The market may have moved between the quote and the order, and pips start at its price.
    assert abs((position.sl or 0) - sl) < Decimal("0.001")
    assert abs((position.tp or 0) - tp) < Decimal("0.001")
    level = spec.bid - 900 * spec.point
    moved = running.asked(contract, "modify", position=ticket, sl=level, tp=None)
    answer = await agents.trade(at, moved)
    assert answer.outcome == "done", answer
    (position,) = await positions(agents, at, ticket)
    assert (position.sl, position.tp) == (level, None)
    answer = await agents.trade(at, running.asked(contract, "close", position=ticket))
    assert answer.outcome == "done", answer
    assert await positions(agents, at, ticket) == []
    assert len(running.entries(contract, "send")) == 3
    deals = await agents.deals(at, soon(-3600), soon(60))
    assert any(deal.position_id == ticket and deal.entry == "OUT" for deal in deals.deals)


async def positions(agents: AgentClient, at: Endpoint, ticket: int) -> list[Any]:
    reading = await agents.read(at)
    assert reading is not None
    return [p for p in reading.accounts[0].positions or () if p.ticket == ticket]


@CONTRACTS
@pytest.mark.parametrize("fault", sorted(TRADE_FAULTS))
async def test_whatever_the_venue_does_the_verdict_is_never_more_than_the_ledger(
    agents: AgentClient, running: Venue, contract: str, fault: str
) -> None:
    running.steer(contract, next_order=fault)
    request = running.asked(contract)
    try:
        called: Any = await agents.trade(running.endpoint(contract), request)
    except NotSent as error:
        called = error
    sends = running.entries(contract, "send")
    executions = running.entries(contract, "execution")
    assert len(sends) <= 1
    assert len(executions) <= 1
    said = outcome(called)
    if said == "not-sent":
        assert not sends
    if said == "rejected":
        assert not executions
    if said in ("done", "partial"):
        (execution,) = executions
        volume = Decimal(str(execution["deal"].volume))
        assert called.volume in (None, volume)
        assert (volume < Decimal("0.1")) == (said == "partial")
    if contract == "2" and said != "not-sent":
        record = await agents.order_record(running.endpoint("2"), request.tag)
        assert record.state == "ended"


async def test_an_answer_that_is_cut_off_is_unknown_and_the_journal_knows(
    agents: AgentClient, running: Venue
) -> None:
    running.steer("2", next_answer="cut")
    request = running.asked("2")
    called = await agents.trade(running.endpoint("2"), request)
    assert called.outcome == "unknown"
    record = await agents.order_record(running.endpoint("2"), request.tag)
    assert record.answer is not None
    assert record.answer.outcome == "done"
    assert len(running.entries("2", "send")) == 1


async def test_a_tag_that_the_agent_has_not_seen_is_one(
    agents: AgentClient, running: Venue
) -> None:
    record = await agents.order_record(running.endpoint("2"), "NEVERSEEN")
    assert (record.state, record.answer) == ("unknown-tag", None)
    assert record.journal
    assert record.journal_since


REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("open", {"expected_login": 1}),
    ("open", {"expected_server": "Elsewhere"}),
    ("open", {"symbol": "NOSUCH"}),
    ("open", {"volume": Decimal("0.001")}),
    ("open", {"volume": Decimal("0.015")}),
    ("open", {"volume": Decimal(9000)}),
    ("open", {"sl": Decimal(9)}),
    ("open", {"tp": Decimal("0.0001")}),
    ("close", {"position": 424242}),
    ("modify", {"position": 424242}),
]


@pytest.mark.parametrize(("kind", "changes"), REFUSED)
async def test_what_an_agent_of_contract_2_refuses_is_not_sent_and_says_why(
    agents: AgentClient, running: Venue, kind: str, changes: dict[str, Any]
) -> None:
    request = msgspec.structs.replace(running.asked("2", kind), **changes)
    with pytest.raises(NotSent, match="The agent refused it and sent nothing: ."):
        await agents.trade(running.endpoint("2"), request)
    assert running.entries("2", "send") == []


V1_REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("open", {"symbol": "NOSUCH"}),
    ("open", {"volume": Decimal("0.001")}),
    ("open", {"volume": Decimal(9000)}),
    ("close", {"position": 424242}),
    ("modify", {"position": 424242}),
]


@pytest.mark.parametrize(("kind", "changes"), V1_REFUSED)
async def test_what_an_agent_of_contract_1_checks_before_it_sends_is_a_rejection(
    agents: AgentClient, running: Venue, kind: str, changes: dict[str, Any]
) -> None:
    request = msgspec.structs.replace(running.asked("1", kind), **changes)
    answer = await agents.trade(running.endpoint("1"), request)
    assert answer.outcome == "rejected", answer
    assert answer.message
    assert running.entries("1", "send") == []


@CONTRACTS
async def test_a_login_that_may_only_look_trades_nothing(
    agents: AgentClient, running: Venue, contract: str
) -> None:
    running.steer(contract, read_only=True)
    try:
        said = (await agents.trade(running.endpoint(contract), running.asked(contract))).outcome
    except NotSent:
        said = "not-sent"
    assert said == {"1": "rejected", "2": "not-sent"}[contract]
    assert running.entries(contract, "execution") == []


async def test_the_same_order_sent_again_is_executed_once(
    agents: AgentClient, running: Venue
) -> None:
    request = running.asked("2")
    answers = [await agents.trade(running.endpoint("2"), request) for _ in range(3)]
    assert {answer.outcome for answer in answers} == {"done"}
    assert len({answer.deal for answer in answers}) == 1
    assert len(running.entries("2", "send")) == 1
    other = msgspec.structs.replace(request, volume=Decimal("0.2"))
    assert (await agents.trade(running.endpoint("2"), other)).outcome == "unknown"
    assert len(running.entries("2", "send")) == 1
