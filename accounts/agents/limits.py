"""Every limit and timeout of the agent client, and their defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import msgspec

CONNECT_TIMEOUT = 5.0
POOL_TIMEOUT = 5.0
READ_TIMEOUT = 10.0
DEADLINE = 10.0
REFRESH_DEADLINE = 30.0
TRADE_DEADLINE = 30.0
MAX_BODY_BYTES = 256 * 1024
MAX_READING_BYTES = 4 * 1024 * 1024
LONG_READINGS = 16
MAX_CONNECTIONS = 0
MAX_CONCURRENCY = 500
TRADE_CONCURRENCY = 100
KEEPALIVE = 75.0
CHECK_EVERY = 30.0
ALLOWED_NETWORKS: tuple[str, ...] = ()


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="upper"):
    """Seconds and bytes. The names of the settings are the fields in capitals.

    deadline covers a whole reading, all its requests and their bodies, from the moment a slot
    is free, so that our own load is not held against an agent. What a person waits for gives up
    waiting for a slot after pool_timeout; polls wait their turn. max_connections 0 means no limit:
    concurrency is bounded by max_concurrency, and an idle connection is kept for `keepalive`
    seconds, so no agent's connection is ever evicted for another's.

    check_every is the time between two checks of the pool of connections; see AgentClient.check.

    Trades have slots of their own, trade_concurrency of them, and connections of their own, which
    max_connections does not count: they never wait for polls.

    max_body_bytes is for answers that are short by nature: quotes, trades, errors. Those that list
    positions or deals are as long as their lists, 350 bytes a row, up to max_reading_bytes; but of
    those beyond max_body_bytes only long_readings are in memory at once, the others wait for one of
    them to end. A body is in memory three times at the worst: in chunks, as it came, and unpacked.
    So all of them take at most 3 * (max_concurrency * max_body_bytes + long_readings *
    max_reading_bytes), 576 MB; what is made of a long one, some 5 KB a row, comes on top.

    There is no limit of writing alone, for aiohttp knows none: what we send is under 2 KB and
    fits the socket's buffer, and the deadline covers it.
    """

    connect_timeout: float = CONNECT_TIMEOUT
    pool_timeout: float = POOL_TIMEOUT
    read_timeout: float = READ_TIMEOUT
    deadline: float = DEADLINE
    refresh_deadline: float = REFRESH_DEADLINE
    trade_deadline: float = TRADE_DEADLINE
    max_body_bytes: int = MAX_BODY_BYTES
    max_reading_bytes: int = MAX_READING_BYTES
    long_readings: int = LONG_READINGS
    max_connections: int = MAX_CONNECTIONS
    max_concurrency: int = MAX_CONCURRENCY
    trade_concurrency: int = TRADE_CONCURRENCY
    keepalive: float = KEEPALIVE
    check_every: float = CHECK_EVERY
    allowed_networks: tuple[str, ...] = ALLOWED_NETWORKS

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Self:
        """Raise msgspec.ValidationError, naming the key, for an unknown key or a wrong type."""
        return msgspec.convert(dict(values), cls)

    @classmethod
    def from_settings(cls) -> Self:
        """What settings.AGENTS says; the only place of this package that knows Django."""
        from django.conf import settings

        return cls.from_mapping(getattr(settings, "AGENTS", {}))
