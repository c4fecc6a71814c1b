"""How workers and beat talk to their broker, Valkey, when it goes away and comes back."""

import random
from typing import Any

from django.conf import settings
from kombu.transport import TRANSPORT_ALIASES, redis


class Channel(redis.Channel):
    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        """Raise ConnectionError for a channel whose connection was closed.

        A worker still confirms tasks on it, or gives back those that it did not begin, and kombu
        5.7.0, the newest, then ends the worker: "'NoneType' object has no attribute 'hostname'".
        An error of a connection it takes for what it is.
        """
        if self.connection is None or self.connection.client is None:
            raise ConnectionError("The connection of this channel was closed.")
        parameters: dict[str, Any] = super()._connparams(asynchronous)  # type: ignore[misc]
        return parameters


class Transport(redis.Transport):
    Channel = Channel


def use_own_transport() -> None:
    """From now on `redis://` and `redis+socket://` mean the transport above."""
    for name in ("redis", "rediss"):
        TRANSPORT_ALIASES[name] = f"{__name__}:{Transport.__name__}"


def retrying() -> dict[str, Any]:
    """Return how kombu is to wait between tries, in seconds: as long as settings.VALKEY_RETRY_S
    says, and not in step with the other processes."""
    first, longest = settings.VALKEY_RETRY_S
    start = random.uniform(first, 2 * first)  # noqa: S311
    return {"interval_start": start, "interval_step": first, "interval_max": longest - start}
