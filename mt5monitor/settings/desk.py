"""How the desk works: its API, polling, trading, live pages, exports."""

from django.core.exceptions import ImproperlyConfigured

from mt5monitor.secrets import kept_key
from mt5monitor.settings.environment import STATE_DIR, env

# --- the API ----------------------------------------------------------------------------------
API_REQUESTS_PER_MINUTE = env.int("API_REQUESTS_PER_MINUTE", 600)  # of one token, or one user
# Attempts to sign in, of one address.
API_LOGINS_PER_MINUTE = env.int("API_LOGINS_PER_MINUTE", 10)
# Of one address; tokens that have been right before are let in all the same.
API_WRONG_TOKENS_PER_MINUTE = env.int("API_WRONG_TOKENS_PER_MINUTE", 60)
API_TOKEN_HOURS = env.int("API_TOKEN_HOURS", 24)  # of tokens that were signed in for
# For whom the password alone signs in, as scripts of the original do; empty: for nobody.
API_PASSWORD_USER = env.str("API_PASSWORD_USER", "")
# Whose pages may call the API from a browser, with a token; never with the cookie of a session.
CORS_ALLOWED_ORIGINS = env.origins("API_ORIGINS")
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_CREDENTIALS = False
CORS_EXPOSE_HEADERS = ["ETag", "Retry-After"]
CORS_ALLOW_HEADERS = ["authorization", "content-type", "idempotency-key", "if-none-match"]

# --- polling ----------------------------------------------------------------------------------
# Seconds between two polls of an agent, by how much hangs on its figures; see Account.urgency.
POLL_INTERVALS = {
    "critical": env.float("POLL_CRITICAL_S", 2),
    "active": env.float("POLL_ACTIVE_S", 5),
    "standard": env.float("POLL_STANDARD_S", 12),
    "inactive": env.float("POLL_INACTIVE_S", 30),
    "idle": env.float("POLL_IDLE_S", 60),
}
POLL_BATCH = env.int("POLL_BATCH", 1000)  # agents that a process takes on at once
BACKOFF_FIRST_S = env.float("BACKOFF_FIRST_S", 4)
BACKOFF_MOST_S = env.float("BACKOFF_MOST_S", 60)
FAILURES_BEFORE_RECOVERY = env.int("FAILURES_BEFORE_RECOVERY", 2)
RECOVERY_RETRY_S = env.float("RECOVERY_RETRY_S", 2)
RECOVERY_EVERY_S = env.float("RECOVERY_EVERY_S", 60)
# Whether a phase that does not exist is made when a program sets it, as in the original system.
API_NEW_PHASES = env.bool("API_NEW_PHASES", False)
NEAR_LIMIT = env.float("NEAR_LIMIT", 0.8)  # share of the drawdown limit that is used up
# Who may wait for agents at once, in each web process: each holds a thread.
REFRESHES_AT_ONCE = env.int("REFRESHES_AT_ONCE", 32)
REFRESHES_PER_USER = env.int("REFRESHES_PER_USER", 8)
RECENT_POLLS = env.int("RECENT_POLLS", 60)  # polls remembered for each agent's page
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

# --- trading ----------------------------------------------------------------------------------
# Off: no order leaves, whoever asks. The switch in the admin and that of each agent come on top.
TRADING_ENABLED = env.bool("TRADING_ENABLED", False)
# Off: no versus begins or goes on to open anything.
VERSUS_ENABLED = env.bool("VERSUS_ENABLED", False)
# What a firm forbids, or says nothing about, needs an acknowledgement; or is refused altogether.
VERSUS_FIRM_RULES = env.choice("VERSUS_FIRM_RULES", "acknowledge", ("acknowledge", "refuse"))
# A database that was restored or copied finds another one, and starts with trading off.
INSTANCE_ID = env.str("INSTANCE_ID", "") or kept_key(STATE_DIR / "instance_id")

# --- the processes ----------------------------------------------------------------------------
# Seconds without a sign of a web process's event loop, which is logged, and after which the process
# ends, to be started again; 0 as the second: nobody looks.
LOOP_LATE_S = env.float("LOOP_LATE_S", 5)
LOOP_DEAD_S = env.float("LOOP_DEAD_S", 30)

# --- live pages -------------------------------------------------------------------------------
LIVE_BATCH_MS = env.int("LIVE_BATCH_MS", 50)  # frames to one browser are at least this far apart
LIVE_BEAT_S = env.float("LIVE_BEAT_S", 2)
LIVE_BEHIND_S = env.float(
    "LIVE_BEHIND_S", 10
)  # a browser that confirms nothing for so long is dropped
LIVE_UNREAD_BYTES = env.int("LIVE_UNREAD_BYTES", 2_000_000)  # nor may more than this wait for it
LIVE_SOCKETS_PER_USER = env.int("LIVE_SOCKETS_PER_USER", 200)  # in each web process
ROWS_PER_PAGE = 100

# --- programs that listen ---------------------------------------------------------------------
EVENTS_KEPT = env.int("EVENTS_KEPT", 10_000)  # for those who come back
EVENTS_OPEN_S = env.int("EVENTS_OPEN_S", 600)  # events are kept for so long after nobody listens
EVENTS_PER_USER = env.int("EVENTS_PER_USER", 200)  # sockets and streams, in each web process

# --- exports ----------------------------------------------------------------------------------
EXPORT_ROWS = env.int("EXPORT_ROWS", 50_000)  # of one file, at most
# The path of a service account's key, and the spreadsheet that is shared with it.
GOOGLE_SHEETS_CREDENTIALS = env.str("GOOGLE_SHEETS_CREDENTIALS", "")
GOOGLE_SHEETS_ID = env.str("GOOGLE_SHEETS_ID", "")
GOOGLE_SHEETS_EVERY_S = env.float("GOOGLE_SHEETS_EVERY_S", 0)  # 0: by hand only
if 0 < GOOGLE_SHEETS_EVERY_S < 60:
    raise ImproperlyConfigured("GOOGLE_SHEETS_EVERY_S must be 0, which is off, or 60 at least")
