"""When agents are polled, and what is remembered of it."""

from mt5monitor.settings.environment import env

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
NEAR_LIMIT = env.float("NEAR_LIMIT", 0.8)  # share of the drawdown limit that is used up
# Who may wait for agents at once, in each web process: each holds a thread.
REFRESHES_AT_ONCE = env.int("REFRESHES_AT_ONCE", 32)
REFRESHES_PER_USER = env.int("REFRESHES_PER_USER", 8)
RECENT_POLLS = env.int("RECENT_POLLS", 60)  # polls remembered for each agent's page
