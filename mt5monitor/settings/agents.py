"""Requests to agents, and what an agent can have written."""

from typing import Any

from mt5monitor.declared import Group
from mt5monitor.settings.environment import reader

env = reader(Group.AGENTS)
AGENTS: dict[str, Any] = {
    "CONNECT_TIMEOUT": env.float(
        "AGENT_CONNECT_TIMEOUT",
        5,
        "How long connecting to an agent can take; the deadlines below include it.",
        unit="seconds",
    ),
    "POOL_TIMEOUT": env.float(
        "AGENT_POOL_TIMEOUT",
        5,
        "How long a request can wait for a free connection.",
        unit="seconds",
    ),
    "READ_TIMEOUT": env.float(
        "AGENT_READ_TIMEOUT",
        10,
        "How long the agent can be silent while it answers.",
        unit="seconds",
    ),
    "DEADLINE": env.float(
        "AGENT_DEADLINE",
        10,
        "How long one reading of an agent can take in all.",
        unit="seconds",
    ),
    "REFRESH_DEADLINE": env.float(
        "AGENT_REFRESH_DEADLINE",
        30,
        "How long it can take in all to have an agent reconnect to its broker.",
        unit="seconds",
    ),
    "TRADE_DEADLINE": env.float(
        "AGENT_TRADE_DEADLINE", 30, "How long a trade can take in all.", unit="seconds"
    ),
    "MAX_BODY_BYTES": env.int(
        "AGENT_MAX_BODY_BYTES",
        256 * 1024,
        "Longest answer, unpacked: quotes, trades and all others that are short by nature.",
        unit="bytes",
    ),
    "MAX_READING_BYTES": env.int(
        "AGENT_MAX_READING_BYTES",
        4 * 1024 * 1024,
        "Longest answer that lists positions or deals, some 10,000 of them.",
        unit="bytes",
    ),
    "LONG_READINGS": env.int(
        "AGENT_LONG_READINGS",
        16,
        "Answers longer than `AGENT_MAX_BODY_BYTES` that are in memory at once.",
    ),
    # As many as there are agents, so that nobody's connection is closed for another's.
    "MAX_CONNECTIONS": env.int(
        "AGENT_MAX_CONNECTIONS", 0, "Connections that are kept open; 0 means one for each agent."
    ),
    "MAX_CONCURRENCY": env.int("AGENT_MAX_CONCURRENCY", 500, "Requests to agents at once."),
    "TRADE_CONCURRENCY": env.int(
        "AGENT_TRADE_CONCURRENCY", 100, "Trades at once; they never wait for other requests."
    ),
    "KEEPALIVE": env.float(
        "AGENT_KEEPALIVE", 75, "Time after which an idle connection is closed.", unit="seconds"
    ),
    "CHECK_EVERY": env.float(
        "AGENT_CHECK_EVERY",
        30,
        "Time between two checks of a process's connections to agents; connections that fail the "
        "check are replaced.",
        unit="seconds",
    ),
    "ALLOWED_NETWORKS": env.networks(
        "AGENT_ALLOWED_NETWORKS", "Loopback networks in which agents can be."
    ),
}

env = reader(Group.QUOTAS)
# Of each agent: rows that it can have written at once, and how many an hour are added up to that.
AGENT_QUOTAS = {
    "history": (
        env.int(
            "AGENT_HISTORY_ROWS",
            30_000,
            "Quota of deals or closed trades that one agent can have written.",
            unit="rows",
        ),
        env.int(
            "AGENT_HISTORY_ROWS_PER_HOUR",
            2_000,
            "How much of that quota the agent regains in an hour.",
            unit="rows",
        ),
    ),
    "positions": (
        env.int(
            "AGENT_POSITION_ROWS",
            20_000,
            "Quota of new open positions that one agent can have written.",
            unit="rows",
        ),
        env.int(
            "AGENT_POSITION_ROWS_PER_HOUR",
            10_000,
            "How much of that quota the agent regains in an hour.",
            unit="rows",
        ),
    ),
    "notices": (
        env.int(
            "AGENT_NOTICES",
            200,
            "Quota of conflicts, and of changes of state in the operations log, of one agent.",
        ),
        env.int(
            "AGENT_NOTICES_PER_HOUR", 60, "How much of that quota the agent regains in an hour."
        ),
    ),
}
AGENT_ACCOUNTS = env.int(
    "AGENT_ACCOUNTS",
    1,
    "Accounts that each agent is expected to report; a new one beyond them waits for a person.",
)
