"""What the API answers: JSON whose decimals are numbers, exactly as they are stored."""

import hashlib
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag

_encoder = msgspec.json.Encoder(decimal_format="number")
JSON = "application/json"


def encoded(data: Any) -> bytes:
    return _encoder.encode(data)


def answer(data: Any, status: int = 200) -> HttpResponse:
    return HttpResponse(encoded(data), JSON, status=status)


def detail(text: str, status: int, **more: Any) -> HttpResponse:
    """An error: a sentence that says what is wrong."""
    return answer({"detail": text, **more}, status)


def conditional(request: HttpRequest, data: Any) -> HttpResponseBase:
    """The data with an ETag of what they are; 304 where the caller has them already."""
    body = encoded(data)
    etag = quote_etag(hashlib.blake2b(body, digest_size=16).hexdigest())
    response = HttpResponse(body, JSON, headers={"ETag": etag, "Cache-Control": "private"})
    return get_conditional_response(request, etag=etag, response=response) or response
