"""Looking up the token that a program sends. Whoever sends wrong ones is soon put off, by address;
programs whose token has been right go on meanwhile, for they may share that address."""

import logging
from contextlib import suppress

from django.conf import settings
from django.core.cache import cache
from django.utils import timezone
from redis.exceptions import RedisError

from accounts.models.token import ApiToken, digest_of
from mt5monitor.api.limits import TooOften, count, counted, network_of

operations = logging.getLogger("operations")
KNOWN_S = 86_400
RECENT_MOST = 10_000
LINES_PER_MINUTE = 10  # of the operations log, which strangers must not fill
# Of those that were right here: nothing needs to be counted for them.
_recent: set[str] = set()
TOO_MANY_WRONG = "Too many wrong tokens came from this address: wait a minute."


def token_of(key: str, address: str) -> ApiToken | None:
    """The token that is valid and has this key; None when there is none. Raises TooOften."""
    digest = digest_of(key)
    if digest not in _recent and _are_too_many(address) and not _is_known(digest):
        raise TooOften(TOO_MANY_WRONG)
    now = timezone.now()
    token = ApiToken.objects.filter(digest=digest).with_user().first()
    if token is None or not token.is_valid(now):
        _was_wrong(digest, address)
        return None
    if token.was_used(now):
        _was_right(digest)
    if len(_recent) >= RECENT_MOST:
        _recent.clear()
    _recent.add(digest)
    return token


def _wrong(address: str) -> str:
    return f"wrong-tokens:from:{network_of(address)}"


def _are_too_many(address: str) -> bool:
    return bool(counted(_wrong(address)) >= settings.API_WRONG_TOKENS_PER_MINUTE)


def _known(digest: str) -> str:
    return f"known-token:{digest}"


def _is_known(digest: str) -> bool:
    try:
        return bool(cache.get(_known(digest)))
    except RedisError:
        return False


def _was_right(digest: str) -> None:
    with suppress(RedisError):  # a use a minute later says it again
        cache.set(_known(digest), 1, timeout=KNOWN_S)


def _was_wrong(digest: str, address: str) -> None:
    _recent.discard(digest)
    try:
        cache.delete(_known(digest))
        is_too_many = count(_wrong(address)) == settings.API_WRONG_TOKENS_PER_MINUTE
        is_logged = is_too_many and count("wrong-tokens:lines") <= LINES_PER_MINUTE
    except (RedisError, ValueError):
        return  # reading goes on while nothing can be counted
    if is_logged:
        operations.warning("Wrong tokens of the API keep coming from %s", address)
