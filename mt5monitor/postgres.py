"""How long PostgreSQL waits for us, and we for it: options of every connection.

Without them a host that is lost inside a transaction keeps its locks until the kernel of the
database's host gives its connection up, which takes minutes to hours, and all others wait for it.
"""

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

# A connection whose other end is gone, seen from either end: the first probe after IDLE_S of
# silence, then every INTERVAL_S, given up after COUNT of them; or what was sent is unconfirmed.
IDLE_S, INTERVAL_S, COUNT = 10, 5, 3
UNCONFIRMED_S = 15


class Limits(NamedTuple):
    """Seconds; 0 is no limit."""

    connect: float = 5
    statement: float = 30
    lock: float = 5
    idle: float = 10
    """Between two statements of a transaction."""


def options(given: Mapping[str, Any], limits: Limits) -> dict[str, Any]:
    """Return the connection's options: those of `given`, which win, and what they leave open."""
    found = dict(given)
    if limits.connect and "PGCONNECT_TIMEOUT" not in os.environ:
        found.setdefault("connect_timeout", max(2, round(limits.connect)))  # libpq takes no less
    found.setdefault("keepalives", 1)
    found.setdefault("keepalives_idle", IDLE_S)
    found.setdefault("keepalives_interval", INTERVAL_S)
    found.setdefault("keepalives_count", COUNT)
    found.setdefault("tcp_user_timeout", UNCONFIRMED_S * 1000)
    # The last mention of a parameter counts, so what was given comes last.
    switches = [*_switches(limits), str(found.get("options") or os.environ.get("PGOPTIONS", ""))]
    if text := " ".join(filter(None, switches)):
        found["options"] = text
    return found


def _switches(limits: Limits) -> list[str]:
    """What the server is to keep to. None at all where nothing is limited: a pooler in between may
    refuse a connection that asks for any."""
    milliseconds = {
        "statement_timeout": limits.statement,
        "lock_timeout": limits.lock,
        "idle_in_transaction_session_timeout": limits.idle,
    }
    asked = [f"-c {name}={round(s * 1000)}" for name, s in milliseconds.items() if s]
    if not asked:
        return []
    probes = {"idle": IDLE_S, "interval": INTERVAL_S, "count": COUNT}
    asked += [f"-c tcp_keepalives_{name}={value}" for name, value in probes.items()]
    return [*asked, f"-c tcp_user_timeout={UNCONFIRMED_S * 1000}"]
