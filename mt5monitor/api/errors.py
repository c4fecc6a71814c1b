"""Every error of the API: a fitting status and `detail`, a sentence; never a traceback."""

import logging
import math
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from mt5monitor.api.answers import detail
from mt5monitor.api.fallback import SENTENCES, of_the_database
from mt5monitor.api.limits import TooOften
from mt5monitor.database import FAULTS
from mt5monitor.failed import ask_again

log = logging.getLogger(__name__)

PLACES = {"body", "query", "path", "header", "form"}


def install(api: NinjaAPI) -> None:
    api.add_exception_handler(HttpError, _http)
    api.add_exception_handler(ValidationError, _invalid)
    api.add_exception_handler(Http404, _missing)
    api.add_exception_handler(PermissionDenied, _denied)
    api.add_exception_handler(TooOften, _too_often)
    api.add_exception_handler(RequestDataTooBig, _too_big)
    api.add_exception_handler(Exception, _failed)


def _http(request: HttpRequest, error: Any) -> HttpResponse:
    response = detail(error.message, error.status_code)
    if error.status_code == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _invalid(request: HttpRequest, error: Any) -> HttpResponse:
    sentences = [_sentence(one) for one in error.errors]
    return detail(" ".join(sentences), 422, errors=sentences)


def _sentence(error: dict[str, Any]) -> str:
    # The place and the name of the parameter itself mean nothing to a caller.
    place = [str(part) for part in error["loc"] if part not in PLACES]
    field = ".".join(place[1:] or place) or "request"
    return f"{field}: {str(error['msg']).rstrip('.')}."


def _missing(request: HttpRequest, error: Any) -> HttpResponse:
    return detail(str(error) or SENTENCES[404], 404)


def _denied(request: HttpRequest, error: Any) -> HttpResponse:
    return detail(str(error) or "You may not do this: the permission is missing.", 403)


def _too_often(request: HttpRequest, error: Any) -> HttpResponse:
    response = detail(str(error), 429)
    response.headers["Retry-After"] = str(max(1, math.ceil(error.wait_s)))
    return response


def _too_big(request: HttpRequest, error: Any) -> HttpResponse:
    return detail(SENTENCES[413], 413)


def _failed(request: HttpRequest, error: Any) -> HttpResponse:
    log.error("API %s %r failed", request.method, request.path, exc_info=error)
    if isinstance(error, FAULTS):
        return ask_again(request, detail(of_the_database(request), 503))
    return detail(SENTENCES[500], 500)
