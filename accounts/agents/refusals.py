"""Answers that are no reading: redirects and HTTP errors."""

from __future__ import annotations

import msgspec

from accounts.agents.call import Answer
from accounts.agents.errors import Redirected, RefusedRequest
from mt5monitor.text import clean

NOT_FOUND = 404
# The calls that every agent of the contract has: one without them speaks the other contract.
CONTRACT_HINTS = {
    "GET /accounts": " If it is an agent of contract 2, choose contract 2 and enter its secret.",
    "GET /v2/state": " If it is an older agent, choose contract 1.",
}
OK = 200
QUOTE = 120


class Problem(msgspec.Struct):
    """RFC 9457, and FastAPI's `detail`, whose type it does not promise."""

    type: object = ""
    title: object = ""
    detail: object = ""
    sent: object = None
    """False when the agent says that it sent nothing of an order, and never will."""


_problem = msgspec.json.Decoder(Problem)


def check_status(answer: Answer, what: str) -> None:
    """Raise Redirected or RefusedRequest unless `answer` to `what` is a plain success."""
    if answer.status == OK:
        return
    if 300 <= answer.status < 400:
        raise Redirected(
            f"It answered {what} with a redirect (HTTP {answer.status}); redirects are not "
            "followed: enter the final URL."
        )
    problem = problem_of(answer)
    said = [clean(str(t), QUOTE) for t in (problem.title, problem.detail) if _is_text(t)]
    quoted = f': "{": ".join(dict.fromkeys(said))}"' if said else ""
    kind = problem.type if isinstance(problem.type, str) else ""
    hint = CONTRACT_HINTS.get(what, "") if answer.status == NOT_FOUND else ""
    raise RefusedRequest(
        f"It answered {what} with HTTP {answer.status}{quoted}.{hint}", answer.status, kind
    )


def detail_of(answer: Answer) -> str:
    """What FastAPI puts into `detail`; empty when it is no text, or not there."""
    detail = problem_of(answer).detail
    return detail if isinstance(detail, str) else ""


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def problem_of(answer: Answer) -> Problem:
    """What the error says about itself; nothing at all, when that is not JSON."""
    try:
        return _problem.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Problem()
