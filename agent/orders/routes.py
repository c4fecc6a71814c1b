"""`POST /v2/orders` and `GET /v2/orders/{tag}`: the HTTP side of the desk."""

from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from agent.agent import Agent
from agent.contract2 import json_text, utc_text
from agent.orders.desk import OrderDesk
from agent.orders.journal import JournalError, Record
from agent.orders.request import read_order, valid_tag
from agent.orders.result import Result
from agent.problem import Problem, Refusal, of_problem

EPOCH = datetime.fromtimestamp(0, UTC)


async def place(request: Request) -> Response:
    """200 with the result; 202 while the order is being sent; a problem when it was not sent."""
    order = read_order(await request.body())
    desk = _agent(request).desk
    if desk is None:
        raise Refusal(503, "journal-unavailable", "This agent has no journal, and sends no orders")
    try:
        record = await desk.place(order)
        if record.problem is not None:
            raise record.problem
        return _answer(desk, record)
    except JournalError as error:
        return of_problem(unreadable(error))


async def look_up(request: Request) -> Response:
    """What became of a tag, also when it is one that was never seen: that is no error."""
    tag, desk = request.path_params["tag"], _agent(request).desk
    if not valid_tag(tag):
        raise Problem(400, "parameter-invalid", "A parameter cannot be used", "no such tag")
    if desk is None:
        raise Problem(503, "journal-unreadable", "This agent has no journal")
    try:
        record = await desk.record(tag)
    except JournalError as error:
        return of_problem(unreadable(error))
    if record is None:
        return _json({"tag": tag, "state": "unknown-tag"} | _journal(desk))
    return _answer(desk, record, status=200)


ROUTES: list[BaseRoute] = [
    Route("/v2/orders", place, methods=["POST"]),
    Route("/v2/orders/{tag}", look_up),
]


def unreadable(error: JournalError) -> Problem:
    """Says nothing of what was sent, unlike a `Refusal`."""
    return Problem(503, "journal-unreadable", "The journal cannot be read", str(error))


def _answer(desk: OrderDesk, record: Record, *, status: int = 202) -> Response:
    executing = desk.executing(record.tag)
    content = record_content(record, executing=executing) | _journal(desk)
    return _json(content, status if executing else 200)


def record_content(record: Record, *, executing: bool) -> dict[str, Any]:
    """An order without a result that is not being sent either is one of an agent that died."""
    result = record.result or Result("unknown", message="the agent ended before the terminal did")
    if executing:
        result = Result("unknown", message="the terminal has not answered yet")
    if record.problem is not None:
        told = (record.problem.title, record.problem.detail)
        result = Result("rejected", message=": ".join(text for text in told if text))
    content = {
        "tag": record.tag,
        "state": "executing" if executing else "ended",
        "sent": record.begun_ms is not None and record.problem is None,
        **result.content(),
        "problem": None if record.problem is None else record.problem.content(),
        "evidence": _evidence(record),
        "login": record.login,
        "server": record.server,
        "received_at": _utc(record.received_ms),
        "begun_at": _utc(record.begun_ms),
        "settled_at": _utc(record.settled_ms),
    }
    if record.problem is not None:
        content["retcode_name"] = "NOT_SENT"
    del content["lacking"]
    return content


def _evidence(record: Record) -> dict[str, Any] | None:
    if record.evidence is None:
        return None
    told = dict(record.evidence)
    return {"searched_at": _utc(told.pop("at_ms"))} | told


def _journal(desk: OrderDesk) -> dict[str, Any]:
    """Since when this journal knows every tag: an unknown one proves nothing about earlier ones."""
    return {"journal": desk.journal.id, "journal_since": _utc(desk.journal.since_ms)}


def _utc(milliseconds: int | None) -> str | None:
    if milliseconds is None:
        return None
    return utc_text(EPOCH + timedelta(milliseconds=milliseconds))


def _json(content: dict[str, Any], status: int = 200) -> Response:
    return Response(json_text(content), status, media_type="application/json")


def _agent(request: Request) -> Agent:
    agent: Agent = request.scope["agent"]
    return agent
