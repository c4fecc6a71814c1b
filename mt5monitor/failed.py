"""What a page answers when it failed: 503 where the database did, which is worth another try."""

import sys

from django.http import HttpRequest, HttpResponse
from django.template import loader
from django.views.decorators.csrf import requires_csrf_token
from django.views.defaults import server_error

from mt5monitor.database import FAULTS

RETRY_AFTER_S = 5
CHANGES_NOTHING = frozenset({"GET", "HEAD", "OPTIONS"})


def changes_nothing(request: HttpRequest) -> bool:
    """Whether to send it again does no harm. What changes something may have been done when the
    database failed: an order may be at its agent."""
    return request.method in CHANGES_NOTHING


def ask_again(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Ask for another try, which many programs make by themselves then, where it does no harm."""
    if changes_nothing(request):
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return response


@requires_csrf_token
def failed(request: HttpRequest) -> HttpResponse:
    """Django's handler of whatever a view raises, and logs."""
    if not isinstance(sys.exc_info()[1], FAULTS):
        return server_error(request)
    page = loader.get_template("503.html").render()
    return ask_again(request, HttpResponse(page, status=503))
