"""What a page answers when it failed: 503 where the database did, which is worth another try."""

import sys

from django.http import HttpRequest, HttpResponse
from django.template import loader
from django.views.decorators.csrf import requires_csrf_token
from django.views.defaults import server_error

from mt5monitor.database import FAULTS

RETRY_AFTER_S = 5


@requires_csrf_token
def failed(request: HttpRequest) -> HttpResponse:
    """Django's handler of whatever a view raises, and logs."""
    if not isinstance(sys.exc_info()[1], FAULTS):
        return server_error(request)
    page = loader.get_template("503.html").render()
    return HttpResponse(page, status=503, headers={"Retry-After": str(RETRY_AFTER_S)})
