"""Connections to Valkey, and the wait before the next try: settings/data.py says how long all is.

The supervisor uses them too, which has no Django: settings are read as a module.
"""

import random
from typing import Any

import redis
import redis.asyncio

ERRORS = (redis.RedisError, OSError, TimeoutError)  # of all that waits for Valkey


def connect(url: str, timeout_s: float | None = None, **options: Any) -> redis.Redis:
    """Return a client whose every wait ends after `timeout_s`, by default VALKEY_TIMEOUT_S.

    It raises redis.RedisError and tries nothing twice.
    """
    return redis.Redis.from_url(url, **_options(url, timeout_s), **options)


def connect_async(url: str, block_s: float = 0.0) -> "redis.asyncio.Redis":
    """Return a client for the running loop; its commands may block in Valkey for `block_s`."""
    options = _options(url, None)
    options["socket_timeout"] += block_s
    return redis.asyncio.Redis.from_url(url, **options)


def _options(url: str, timeout_s: float | None) -> dict[str, Any]:
    from mt5monitor.settings import data

    options = dict(data.VALKEY_OPTIONS)
    if timeout_s is not None:
        options |= {"socket_timeout": timeout_s, "socket_connect_timeout": timeout_s}
    if url.startswith("unix://"):  # not that of the settings, for tests have several
        options = {name: options[name] for name in options if "keepalive" not in name}
    return options


class Backoff:
    """How long to wait after each failure in a row, in seconds: ever longer, never in step with
    others who lost Valkey at the same moment."""

    def __init__(self, first_s: float | None = None, longest_s: float | None = None) -> None:
        from mt5monitor.settings import data

        first, longest = data.VALKEY_RETRY_S
        self._first = first if first_s is None else first_s
        self._longest = longest if longest_s is None else longest_s
        self._next = self._first

    @property
    def is_fresh(self) -> bool:
        """Nothing has failed since the last success: worth a line in the log."""
        return self._next == self._first

    def reset(self) -> None:
        self._next = self._first

    def after_failure(self) -> float:
        wait, self._next = self._next, min(self._next * 2, self._longest)
        return wait * random.uniform(0.75, 1)  # noqa: S311
