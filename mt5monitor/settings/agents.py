"""Requests to agents, and what an agent can have written."""

from mt5monitor.settings.environment import env

AGENTS = {
    "CONNECT_TIMEOUT": env.float("AGENT_CONNECT_TIMEOUT", 5),
    "POOL_TIMEOUT": env.float("AGENT_POOL_TIMEOUT", 5),
    "READ_TIMEOUT": env.float("AGENT_READ_TIMEOUT", 10),
    "DEADLINE": env.float("AGENT_DEADLINE", 10),
    "REFRESH_DEADLINE": env.float("AGENT_REFRESH_DEADLINE", 30),
    "TRADE_DEADLINE": env.float("AGENT_TRADE_DEADLINE", 30),
    "MAX_BODY_BYTES": env.int("AGENT_MAX_BODY_BYTES", 256 * 1024),
    # Of lists, which are as long as they are; and how many so long are in memory at once.
    "MAX_READING_BYTES": env.int("AGENT_MAX_READING_BYTES", 4 * 1024 * 1024),
    "LONG_READINGS": env.int("AGENT_LONG_READINGS", 16),
    # 0: as many as there are agents, so that nobody's connection is closed for another's.
    "MAX_CONNECTIONS": env.int("AGENT_MAX_CONNECTIONS", 0),
    "MAX_CONCURRENCY": env.int("AGENT_MAX_CONCURRENCY", 500),
    "TRADE_CONCURRENCY": env.int("AGENT_TRADE_CONCURRENCY", 100),
    "KEEPALIVE": env.float("AGENT_KEEPALIVE", 75),
    "CHECK_EVERY": env.float("AGENT_CHECK_EVERY", 30),
    "ALLOWED_NETWORKS": env.networks("AGENT_ALLOWED_NETWORKS"),
}

# Of each agent: rows that it can have written at once, and how many an hour are added up to that.
AGENT_QUOTAS = {
    "history": (
        env.int("AGENT_HISTORY_ROWS", 30_000),
        env.int("AGENT_HISTORY_ROWS_PER_HOUR", 2_000),
    ),
    "positions": (
        env.int("AGENT_POSITION_ROWS", 20_000),
        env.int("AGENT_POSITION_ROWS_PER_HOUR", 10_000),
    ),
    "notices": (
        env.int("AGENT_NOTICES", 200),
        env.int("AGENT_NOTICES_PER_HOUR", 60),
    ),
}
AGENT_ACCOUNTS = env.int("AGENT_ACCOUNTS", 1)  # a new one beyond that waits for a person
