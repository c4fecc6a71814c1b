"""How often one caller may ask: counted in Valkey, for all web processes together."""

import logging
import time
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from ninja.throttling import BaseThrottle
from redis.exceptions import RedisError

log = logging.getLogger(__name__)
MINUTE = 60


def count(key: str) -> int:
    """Of this minute, this one included. Raises RedisError."""
    slot = f"rate:{key}:{int(time.time()) // MINUTE}"
    cache.add(slot, 0, timeout=2 * MINUTE)
    return int(cache.incr(slot))


class PerMinute(BaseThrottle):
    """Lets requests through when nothing can be counted: reading matters more than counting."""

    def allow_request(self, request: HttpRequest) -> bool:
        try:
            return bool(count(_caller(request)) <= settings.API_REQUESTS_PER_MINUTE)
        except (RedisError, ValueError):
            log.warning("Requests of the API cannot be counted: Valkey does not answer")
            return True

    def wait(self) -> float:
        return MINUTE - time.time() % MINUTE + 1


def _caller(request: HttpRequest) -> str:
    caller: Any = getattr(request, "auth", None)
    return caller.ident if caller is not None else f"from:{address(request)}"


def address(request: HttpRequest) -> str:
    """Of the connection: what a header claims is anybody's word."""
    return str(request.META.get("REMOTE_ADDR", ""))
