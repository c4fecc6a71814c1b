"""Errors of contract v2 as `application/problem+json` (RFC 9457); `type` is stable."""

import json
from typing import Any

from starlette.responses import Response

from agent.errors import TerminalError
from agent.signing import SignatureProblem


class Problem(Exception):
    """A request that cannot be served as it was asked."""

    def __init__(self, status: int, type_: str, title: str, detail: str = "") -> None:
        super().__init__(detail or title)
        self.status, self.type, self.title, self.detail = status, type_, title, detail

    def content(self) -> dict[str, Any]:
        content = {"type": self.type, "title": self.title, "status": self.status}
        return content | {"detail": self.detail} if self.detail else content


class Refusal(Problem):
    """An order that this agent has not sent to its terminal, and will not send.

    `sent` false in its content says so in a word that no other problem has.
    """

    def content(self) -> dict[str, Any]:
        return super().content() | {"sent": False}


def problem(status: int, type_: str, title: str, detail: str = "") -> Response:
    return of_problem(Problem(status, type_, title, detail))


def of_problem(error: Problem) -> Response:
    text = json.dumps(error.content())
    return Response(text, error.status, media_type="application/problem+json")


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
