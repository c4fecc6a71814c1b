"""Attempts to sign in, on the page and through the API: counted in Valkey, for all web processes
together. While nothing can be counted, nobody signs in."""

import contextlib
import hashlib

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from redis.exceptions import RedisError

from mt5monitor.api.limits import address, count, forget

TOO_OFTEN = "Too many attempts to sign in: wait a minute."
TOO_MANY_CODES = "Too many wrong codes: wait an hour, or have your second factor removed."
HOUR = 3600
# Of a million codes three are right at a time: whoever knows the password has a chance of one in
# seven hundred after a day of guessing.
CODES_PER_HOUR = 20
# A name is tried from several addresses as often in all: one address alone locks nobody else out.
ADDRESSES = 10


def too_often(request: HttpRequest, name: str) -> bool:
    """Counts this attempt, by address and by name."""
    who = hashlib.sha256(name.casefold().encode(errors="replace")).hexdigest()[:16]
    try:
        by_address = count(f"login:from:{address(request)}")
        if by_address > settings.API_LOGINS_PER_MINUTE:
            return True
        most = settings.API_LOGINS_PER_MINUTE * ADDRESSES
        return bool(count(f"login:name:{who}") > most)
    except (RedisError, ValueError):
        return True


def too_many_codes(user_id: int) -> bool:
    """Counts this code; those before one that was right do not count any more."""
    try:
        return count(f"codes:{user_id}", HOUR) > CODES_PER_HOUR
    except (RedisError, ValueError):
        return True


def forget_codes(user_id: int) -> None:
    with contextlib.suppress(RedisError):
        forget(f"codes:{user_id}", HOUR)


def is_first_use(user_id: int, code: str, seconds: int) -> bool:
    """Whether this code was not used within so many seconds; from now on it was."""
    try:
        return bool(cache.add(f"code:{user_id}:{code}", 1, timeout=seconds))
    except RedisError:
        return False
