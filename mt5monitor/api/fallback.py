"""Errors under /api/ that no operation made: Django's own, such as of a host that is not this one,
or a method that nothing takes, are told as all others are: as JSON with `detail`."""

import re
from http import HTTPStatus
from typing import Any, Final

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import sync_and_async_middleware

from mt5monitor.api.answers import JSON, encoded
from mt5monitor.failed import changes_nothing
from mt5monitor.private import Respond, RespondAsync

UNDER_API: Final = re.compile(r"/api(/|$)")
SENTENCES: Final = {
    400: "This request is not understood.",
    403: "You may not do this.",
    404: "There is nothing at this address.",
    413: "The body is too large.",
    500: "Something failed here, and was written to the log. Nothing more is known about it.",
    503: "The database did not answer in time, so this may not be done. Try again in a moment.",
}
MAYBE_DONE: Final = (
    "The database did not answer in time, so it is unknown whether this was done. See what became "
    "of it, such as in GET /api/orders, before you send it again without its Idempotency-Key."
)


def of_the_database(request: HttpRequest) -> str:
    """Return what to say when the database failed."""
    return SENTENCES[503] if changes_nothing(request) else MAYBE_DONE


@sync_and_async_middleware
def errors_in_json(respond: Respond | RespondAsync) -> Respond | RespondAsync:
    """Outside of all others: what they answer themselves is told as JSON as well."""
    inner: Any = respond
    if iscoroutinefunction(respond):

        async def answer_async(request: HttpRequest) -> HttpResponse:
            return _told(request, await inner(request))

        return answer_async

    def answer(request: HttpRequest) -> HttpResponse:
        return _told(request, inner(request))

    return answer


def _told(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    if response.status_code < 400 or not UNDER_API.match(request.path_info):
        return response
    if response.headers.get("Content-Type", "").startswith(JSON):
        return response
    if "Allow" in response.headers:
        response.headers["Allow"] = ", ".join(_methods(response))
    # In place, so that what the middleware has set on it stays, except of what was its body.
    response.content = encoded({"detail": _sentence(request, response)})
    response.headers["Content-Type"] = JSON
    for name in ("Content-Encoding", "ETag"):
        response.headers.pop(name, None)
    if "Content-Length" in response.headers:
        response.headers["Content-Length"] = str(len(response.content))
    return response


def _methods(response: HttpResponse) -> list[str]:
    """HEAD is taken where GET is; see `site.headed`."""
    named = [name.strip() for name in response.headers["Allow"].split(",") if name.strip()]
    return sorted({*named, "HEAD"} if "GET" in named else named)


def _sentence(request: HttpRequest, response: HttpResponse) -> str:
    status = response.status_code
    if status == 503:
        return of_the_database(request)
    if status == 405:
        return f"This address takes {response.headers.get('Allow', 'other methods')} only."
    return SENTENCES.get(status) or f"{HTTPStatus(status).phrase}."
