"""How often one caller may ask: counted in Valkey, for all web processes together."""

import logging
import time

from django.core.cache import cache
from django.http import HttpRequest
from redis.exceptions import RedisError

log = logging.getLogger(__name__)
MINUTE = 60
TOO_OFTEN = "Too many requests: wait a moment."


class TooOften(Exception):
    """429, with the seconds after which it may be tried again."""

    def __init__(self, sentence: str = TOO_OFTEN, wait_s: float | None = None) -> None:
        super().__init__(sentence)
        self.wait_s = MINUTE - time.time() % MINUTE + 1 if wait_s is None else wait_s


def _slot(key: str, seconds: int = MINUTE) -> str:
    return f"rate:{key}:{int(time.time()) // seconds}"


def count(key: str, seconds: int = MINUTE) -> int:
    """Of this minute, or span of so many seconds, this one included. Raises RedisError."""
    slot = _slot(key, seconds)
    cache.add(slot, 0, timeout=2 * seconds)
    return int(cache.incr(slot))


def forget(key: str, seconds: int = MINUTE) -> None:
    """What was counted in this span. Raises RedisError."""
    cache.delete(_slot(key, seconds))


def counted(key: str) -> int:
    """Of this minute so far; 0 when it cannot be told."""
    try:
        return int(cache.get(_slot(key), 0))
    except (RedisError, ValueError):
        return 0


def spend(key: str, most: int) -> None:
    """Counts one more. Raises TooOften. Lets requests through when nothing can be counted: reading
    matters more than counting."""
    try:
        now = count(key)
    except (RedisError, ValueError):
        log.warning("Requests of the API cannot be counted: Valkey does not answer")
        return
    if now > most:
        raise TooOften


def address(request: HttpRequest) -> str:
    """Of the connection: what a header claims is anybody's word."""
    return str(request.META.get("REMOTE_ADDR", ""))
