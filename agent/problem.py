"""Errors of contract v2 as `application/problem+json` (RFC 9457); `type` is stable."""

import json

from starlette.responses import Response

from agent.errors import TerminalError
from agent.signing import SignatureProblem


class Problem(Exception):
    """A request that cannot be served as it was asked."""

    def __init__(self, status: int, type_: str, title: str, detail: str = "") -> None:
        super().__init__(detail or title)
        self.status, self.type, self.title, self.detail = status, type_, title, detail


def problem(status: int, type_: str, title: str, detail: str = "") -> Response:
    content = {"type": type_, "title": title, "status": status}
    if detail:
        content["detail"] = detail
    return Response(json.dumps(content), status, media_type="application/problem+json")


def of_problem(error: Problem) -> Response:
    return problem(error.status, error.type, error.title, error.detail)


def of_terminal(error: TerminalError) -> Response:
    return problem(error.status, error.type, error.title, str(error))


def of_signature(error: SignatureProblem) -> Response:
    return problem(401, error.type, error.title, str(error))


def not_found() -> Response:
    return problem(404, "not-found", "There is nothing at this address")


def not_allowed() -> Response:
    return problem(405, "method-not-allowed", "This address does not serve that method")


def failed() -> Response:
    return problem(500, "internal-error", "The agent failed", "see the agent's log")
