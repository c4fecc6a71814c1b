"""Nothing that an agent of contract 2 did not sign for this very request proves anything."""

import pytest

from tests.agents.orders import (
    DONE2,
    nonce_of,
    outcome,
    signed,
    traded,
)
from tests.agents.servers import response, sending, serving


async def unsigned(visit):
    await visit.json(DONE2)


async def by_another(visit):
    told = signed(visit, DONE2)
    await visit.send(told.replace(b"Signature: sig1=:", b"Signature: sig1=:AAAA", 1))


async def of_another_body(visit):
    await visit.send(signed(visit, DONE2).replace(b'"order": 77', b'"order": 88'))


async def of_another_status(visit):
    await visit.send(signed(visit, DONE2, "202 Accepted").replace(b"202 Accepted", b"200 OK", 1))


async def replayed(visit):
    await visit.send(signed(visit, DONE2, nonce="n" * len(nonce_of(visit))))


async def of_another_time(visit):
    await visit.send(signed(visit, DONE2, skew=-60))


@pytest.mark.parametrize(
    "agent", [unsigned, by_another, of_another_body, of_another_status, replayed, of_another_time]
)
async def test_an_answer_that_is_not_signed_for_this_request_proves_nothing(agents, agent):
    async with serving(agent) as server:
        called = await traded(agents, server, contract="2")
        assert len(server.requests) == 1
    assert outcome(called) == "unknown"
    assert '"outcome": "done"' in called.received


async def test_a_refusal_that_is_not_signed_proves_nothing(agents):
    problem = b'{"type": "order-expired", "title": "x", "sent": false}'
    async with serving(sending(response(problem, "422 Unprocessable"))) as server:
        called = await traded(agents, server, contract="2")
    assert outcome(called) == "unknown"
    assert "HTTP 422" in called.message
