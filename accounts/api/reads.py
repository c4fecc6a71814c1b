"""How often the API was answered from rows, and how often agents were read for it."""

from django.core.cache import cache
from redis.exceptions import RedisError

HITS, MISSES = "api:hits", "api:misses"


def note(*, polled: bool) -> None:
    key = MISSES if polled else HITS
    try:
        cache.add(key, 0, timeout=None)
        cache.incr(key)
    except (RedisError, ValueError):
        pass  # a count that is lost is worth no error


def counted() -> tuple[int | None, int | None]:
    """Answers from rows and after reading agents; None when nothing is known of them."""
    try:
        return cache.get(HITS, 0), cache.get(MISSES, 0)
    except RedisError:
        return None, None
