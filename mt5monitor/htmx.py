"""Requests that a script of the page sends, and that want a part of a page or a toast."""

from django.http import HttpRequest


def by_htmx(request: HttpRequest) -> bool:
    """Return whether htmx sent it; also where no middleware has run yet."""
    return bool(request.headers.get("HX-Request"))
