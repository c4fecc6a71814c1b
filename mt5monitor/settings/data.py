"""The database, and Valkey."""

import hashlib
import socket
import tempfile
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from mt5monitor import postgres
from mt5monitor.declared import Group
from mt5monitor.settings.environment import SECRET_KEY, SECRET_KEY_FALLBACKS, STATE_DIR, reader
from mt5monitor.state_dir import make_sqlite_private

env = reader(Group.DATABASE)
DATABASES = {
    "default": env.database(
        "DATABASE_URL",
        f"sqlite:///{STATE_DIR / 'mt5monitor.sqlite3'}",
        "The database, such as `postgres://user:password@host/name`.",
        shown="SQLite in `STATE_DIR`",
    )
}
DATABASES["default"]["CONN_MAX_AGE"] = 0  # under ASGI persistent connections leak
DATABASE_LIMITS = postgres.Limits(
    connect=env.float(
        "DATABASE_CONNECT_S",
        5,
        "PostgreSQL only: how long connecting can take; 0 means no limit.",
        unit="seconds",
    ),
    # Polls take milliseconds. The longest that somebody waits for are lists and exports of years.
    statement=env.float(
        "DATABASE_STATEMENT_S",
        30,
        "PostgreSQL only: how long one statement can take; 0 means no limit. `migrate`, "
        "`import_original` and thinning old equity are exempt.",
        unit="seconds",
    ),
    lock=env.float(
        "DATABASE_LOCK_S",
        5,
        "PostgreSQL only: how long a statement can wait for a row that another session holds; 0 "
        "means no limit. The same commands are exempt.",
        unit="seconds",
    ),
    idle=env.float(
        "DATABASE_IDLE_S",
        10,
        "PostgreSQL only: how long a session can be silent inside a transaction; then PostgreSQL "
        "ends it and frees its rows, as after a host was lost. 0 means no limit.",
        unit="seconds",
    ),
)
if DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
    DATABASES["default"]["OPTIONS"] = postgres.options(
        DATABASES["default"].get("OPTIONS", {}), DATABASE_LIMITS
    )
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        # Writers queue up instead of failing with "database is locked"; orders survive a power cut.
        # One that hangs in a transaction cannot be ended: after so long the others say so.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
    make_sqlite_private(Path(DATABASES["default"]["NAME"]))


def _socket_path(state_dir: Path) -> Path:
    """Where the stack's own Valkey listens; the kernel takes paths of some 100 bytes only."""
    path = state_dir / "valkey.sock"
    if len(bytes(path)) < 100:
        return path
    name = hashlib.sha256(bytes(path)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"mt5monitor-{name}" / "valkey.sock"


VALKEY_SOCKET = _socket_path(STATE_DIR)
env = reader(Group.VALKEY)
ALLOW_OPEN_VALKEY = env.bool(
    "ALLOW_OPEN_VALKEY",
    False,
    "Use a Valkey without a password, or on another machine without TLS: anyone who can write to "
    "it can change what pages show and reset the counts of sign-ins.",
)
REDIS_URL = env.redis(
    "REDIS_URL",
    f"unix://{VALKEY_SOCKET}",
    "Valkey or Redis, such as `redis://:password@127.0.0.1:6379/0`; on another machine "
    "`rediss://`, with a certificate that is checked.",
    shown="a Valkey of its own",
    allow_open=ALLOW_OPEN_VALKEY,
)

# --- each wait on Valkey ends; a connection that was lost without a word is noticed ------------
VALKEY_TIMEOUT_S = env.float(
    "VALKEY_TIMEOUT",
    2,
    "How long connecting to Valkey can take, and each of its answers.",
    unit="seconds",
    limits="0.1 or more",
)
if VALKEY_TIMEOUT_S < 0.1:
    raise ImproperlyConfigured("VALKEY_TIMEOUT must be 0.1 seconds or more.")
VALKEY_CHECK_S = 5  # an idle connection is asked for an answer so often
VALKEY_BLOCK_S = 5  # how long a reader of a stream waits for the next entry
VALKEY_RETRY_S = 0.25, 2.0  # the first and the longest wait before the next try; see Backoff
VALKEY_OPTIONS: dict[str, Any] = {
    "socket_timeout": VALKEY_TIMEOUT_S,
    "socket_connect_timeout": VALKEY_TIMEOUT_S,
    "health_check_interval": VALKEY_CHECK_S,
}
if not REDIS_URL.startswith("unix://"):
    VALKEY_OPTIONS |= {
        "socket_keepalive": True,
        "socket_keepalive_options": {
            getattr(socket, name): value
            for name, value in {
                "TCP_KEEPIDLE": VALKEY_CHECK_S,
                "TCP_KEEPALIVE": VALKEY_CHECK_S,  # its name on macOS
                "TCP_KEEPINTVL": 2,
                "TCP_KEEPCNT": 3,
                # The kernel would send what is not confirmed again for a quarter of an hour.
                "TCP_USER_TIMEOUT": 10_000,
            }.items()
            if hasattr(socket, name)  # not every system has all of them
        },
    }

# The layer of Channels, for consumers that want groups. Events of accounts and trades do not go
# through it: see docs/adr/0002-a-hub-instead-of-groups.md. Before a consumer uses it: its receive
# loop spins without end once the kernel gives its connection up, as Python names that error like a
# wait that is over (channels_redis 4.3.0 with redis 8.1.0).
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {
            "hosts": [{"address": REDIS_URL, **VALKEY_OPTIONS}],
            "prefix": "mt5monitor",
            "symmetric_encryption_keys": [SECRET_KEY, *SECRET_KEY_FALLBACKS],
        },
    }
}

CACHES = {
    "default": {
        "BACKEND": "mt5monitor.cached.JsonCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "mt5monitor",
        "OPTIONS": {**VALKEY_OPTIONS},
    }
}
