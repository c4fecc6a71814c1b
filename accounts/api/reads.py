"""How often the API was answered from rows, and how often agents were read for it."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.core.cache import cache
from django.http import HttpRequest
from redis.exceptions import RedisError

from accounts import polling
from accounts.api.caller import caller_of
from accounts.models import Agent
from accounts.polling import Outcome, TooManyRefreshes
from mt5monitor.api.limits import TooOften

HITS, MISSES = "api:hits", "api:misses"


def note(*, polled: bool) -> None:
    key = MISSES if polled else HITS
    try:
        cache.add(key, 0, timeout=None)
        cache.incr(key)
    except (RedisError, ValueError):
        pass  # a count that is lost is worth no error


def read_now(request: HttpRequest, agents: Iterable[Agent]) -> list[Outcome]:
    """As `polling.read_now`, for the caller. Raises TooOften."""
    with _or_too_often():
        outcomes = polling.read_now(caller_of(request).user.pk, agents)
    note(polled=True)
    return outcomes


@contextmanager
def place(request: HttpRequest) -> Iterator[None]:
    """Where a caller waits for an agent. Raises TooOften."""
    with _or_too_often(), polling.place(caller_of(request).user.pk):
        yield


@contextmanager
def _or_too_often() -> Iterator[None]:
    try:
        yield
    except TooManyRefreshes as crowded:
        raise TooOften(str(crowded), wait_s=2) from crowded


def counted() -> tuple[int | None, int | None]:
    """Answers from rows and after reading agents; None when nothing is known of them."""
    try:
        return cache.get(HITS, 0), cache.get(MISSES, 0)
    except RedisError:
        return None, None
