"""Pages hold figures of people's money: no cache keeps them, and the back button of a browser finds
nothing after its user has signed out."""

from collections.abc import Awaitable, Callable
from typing import cast

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.utils.cache import add_never_cache_headers
from django.utils.decorators import sync_and_async_middleware

Respond = Callable[[HttpRequest], HttpResponse]
RespondAsync = Callable[[HttpRequest], Awaitable[HttpResponse]]


@sync_and_async_middleware
def never_cached(respond: Respond | RespondAsync) -> Respond | RespondAsync:
    """For whatever says nothing of caching itself. Static files are served before it."""
    if iscoroutinefunction(respond):
        later = cast(RespondAsync, respond)

        async def answer_async(request: HttpRequest) -> HttpResponse:
            return _kept_nowhere(await later(request))

        return answer_async
    now = cast(Respond, respond)

    def answer(request: HttpRequest) -> HttpResponse:
        return _kept_nowhere(now(request))

    return answer


def _kept_nowhere(response: HttpResponse) -> HttpResponse:
    if not response.has_header("Cache-Control"):
        add_never_cache_headers(response)
    return response
