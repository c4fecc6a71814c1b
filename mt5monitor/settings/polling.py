"""When agents are polled, and what is remembered of it."""

from mt5monitor.declared import Group
from mt5monitor.settings.environment import reader

env = reader(Group.POLLING)
# By how much hangs on an agent's figures; see Account.urgency.
POLL_INTERVALS = {
    "critical": env.float(
        "POLL_CRITICAL_S",
        2,
        "Time between two polls of an agent of critical urgency. `/api/agents/status` gives the "
        "urgency of each agent and its reason.",
        unit="seconds",
    ),
    "active": env.float("POLL_ACTIVE_S", 5, "The same for active urgency.", unit="seconds"),
    "standard": env.float("POLL_STANDARD_S", 12, "The same for standard urgency.", unit="seconds"),
    "inactive": env.float("POLL_INACTIVE_S", 30, "The same for inactive urgency.", unit="seconds"),
    "idle": env.float("POLL_IDLE_S", 60, "The same for idle urgency.", unit="seconds"),
}
POLL_BATCH = env.int("POLL_BATCH", 1000, "Agents that one worker polls at once.")
BACKOFF_FIRST_S = env.float(
    "BACKOFF_FIRST_S", 4, "Wait after the first failure of an agent.", unit="seconds"
)
BACKOFF_MOST_S = env.float(
    "BACKOFF_MOST_S", 60, "Longest wait after repeated failures of an agent.", unit="seconds"
)
FAILURES_BEFORE_RECOVERY = env.int(
    "FAILURES_BEFORE_RECOVERY",
    2,
    "Failures after which the agent is asked to reconnect to its broker.",
)
RECOVERY_RETRY_S = env.float(
    "RECOVERY_RETRY_S", 2, "How long after that request the agent is read again.", unit="seconds"
)
RECOVERY_EVERY_S = env.float(
    "RECOVERY_EVERY_S", 60, "Shortest time between two such requests to an agent.", unit="seconds"
)
NEAR_LIMIT = env.float(
    "NEAR_LIMIT", 0.8, "Part of the drawdown limit from which an account counts as near it."
)
# Each holds a thread.
REFRESHES_AT_ONCE = env.int(
    "REFRESHES_AT_ONCE",
    32,
    "Users and API clients that can wait for agents at once, in each web process.",
)
REFRESHES_PER_USER = env.int("REFRESHES_PER_USER", 8, "The same for one user, in each web process.")
RECENT_POLLS = env.int("RECENT_POLLS", 60, "Polls that are kept for each agent's page.")
