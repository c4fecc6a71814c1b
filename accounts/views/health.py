"""Whether this process can serve pages."""

import logging

from django.contrib.auth.decorators import login_not_required
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from mt5monitor.database import words

log = logging.getLogger(__name__)


@login_not_required
@never_cache
@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """Says ok when the database answers, else 503."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error as fault:
        log.error("The database does not answer: %s", words(fault))  # asked every few seconds
        return HttpResponse("the database does not answer", "text/plain", status=503)
    return HttpResponse("ok", "text/plain")
