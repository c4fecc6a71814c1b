"""What an agent of contract 2 has in its journal about one order."""

from datetime import UTC, datetime

import pytest

from accounts.agents import errors
from tests.agents.conftest import endpoint
from tests.agents.orders import DONE2, TAG, saying
from tests.agents.servers import serving
from tests.agents.test_signing import SECRET

PROBLEM = "application/problem+json"
NOTHING = dict.fromkeys(("order", "deal", "position", "volume", "price"))
ENDED = {
    **DONE2,
    "state": "ended",
    "login": 5001,
    "journal": "j1",
    "journal_since": "2026-01-05T00:00:00.000Z",
}


async def record(agents, content, status="200 OK", **how):
    async with serving(saying(content, status, "2", **how)) as server:
        try:
            return await agents.order_record(endpoint(server.url, "2", secret=SECRET), TAG)
        finally:
            assert set(server.paths) == {f"GET /v2/orders/{TAG}"}


async def test_an_order_that_ended_has_its_answer(agents):
    found = await record(agents, ENDED)
    assert found.state == "ended"
    assert (found.answer.outcome, found.answer.order) == ("done", 77)
    assert (found.login, found.journal) == (5001, "j1")
    assert found.journal_since == datetime(2026, 1, 5, tzinfo=UTC)


async def test_an_order_that_is_being_executed_has_no_answer_yet(agents):
    found = await record(agents, {**ENDED, "state": "executing", "outcome": "unknown"})
    assert (found.state, found.answer) == ("executing", None)


async def test_a_tag_that_was_never_seen_says_since_when_all_are_known(agents):
    found = await record(
        agents,
        {
            "tag": TAG,
            "state": "unknown-tag",
            "journal": "j1",
            "journal_since": "2026-01-05T00:00:00Z",
        },
    )
    assert (found.state, found.answer) == ("unknown-tag", None)
    assert found.journal_since == datetime(2026, 1, 5, tzinfo=UTC)


async def test_an_order_that_was_refused_before_it_was_sent_is_rejected(agents):
    found = await record(
        agents,
        {
            **ENDED,
            **NOTHING,
            "outcome": "rejected",
            "retcode": None,
            "retcode_name": "NOT_SENT",
            "sent": False,
            "comment": "",
            "message": "it came too late",
        },
    )
    assert found.answer.outcome == "rejected"
    assert (found.answer.retcode, found.answer.retcode_name) == (None, "NOT_SENT")
    assert found.answer.message == "it came too late"


async def test_what_the_agent_searched_is_told(agents):
    evidence = {"conclusion": "absent", "detail": "no position bears its marks"}
    found = await record(agents, {**ENDED, "outcome": "unknown", "evidence": evidence})
    assert (found.answer.outcome, found.conclusion) == ("unknown", "absent")
    assert found.detail == "no position bears its marks"


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ({**ENDED, "tag": "ANOTHER"}, errors.Malformed),
        ({**ENDED, "state": "gone"}, errors.Malformed),
        ({key: ENDED[key] for key in ENDED if key != "tag"}, errors.Malformed),
        ({**ENDED, "outcome": "maybe"}, errors.Malformed),
    ],
)
async def test_a_record_of_something_else_is_none(agents, content, error):
    with pytest.raises(error):
        await record(agents, content)


async def test_a_record_that_nobody_signed_is_none(agents):
    async with serving(saying(ENDED)) as server:
        with pytest.raises(errors.BadSignature):
            await agents.order_record(endpoint(server.url, "2", secret=SECRET), TAG)


async def test_a_journal_that_cannot_be_read_is_an_error(agents):
    with pytest.raises(errors.RefusedRequest, match="cannot be read"):
        await record(
            agents,
            {"type": "journal-unreadable", "title": "The journal cannot be read"},
            "503 Unavailable",
            kind=PROBLEM,
        )


async def test_contract_1_keeps_no_journal(agents):
    with pytest.raises(ValueError, match="only contract 2"):
        await agents.order_record(endpoint("http://10.0.0.1"), TAG)
