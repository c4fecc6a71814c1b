"""What an edit or a refresh answers: a sentence, with or without scripts."""

from typing import Literal

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import trigger_client_event

from mt5monitor.htmx import by_htmx

Tone = Literal["good", "bad"]


def said(
    request: HttpRequest,
    sentence: str,
    *,
    tone: Tone = "good",
    back: str = "/",
    rows: list[int] | None = None,
) -> HttpResponse:
    """A toast for htmx, which also names the accounts that changed; else a message on the page
    that the form was on, `back` when that page is not known."""
    if by_htmx(request):
        detail = {"sentence": sentence, "tone": tone, "rows": rows or []}
        return trigger_client_event(HttpResponse(status=204), "said", detail)
    level = messages.SUCCESS if tone == "good" else messages.ERROR
    messages.add_message(request, level, sentence)
    return HttpResponseRedirect(_page_of(request) or back)


def _page_of(request: HttpRequest) -> str:
    page = request.headers.get("Referer", "")
    own = url_has_allowed_host_and_scheme(
        page, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return page if own else ""
