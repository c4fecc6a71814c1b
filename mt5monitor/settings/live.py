"""Live pages, and the events that API clients receive."""

from mt5monitor.declared import Group
from mt5monitor.settings.environment import reader

env = reader(Group.LIVE)
LIVE_BATCH_MS = env.int(
    "LIVE_BATCH_MS", 50, "Shortest time between two frames to one browser.", unit="milliseconds"
)
LIVE_BEAT_S = env.float(
    "LIVE_BEAT_S", 2, "Time between two heartbeats to a browser.", unit="seconds"
)
LIVE_BEHIND_S = env.float(
    "LIVE_BEHIND_S",
    10,
    "Pages that confirm nothing and API clients that read nothing for so long are dropped.",
    unit="seconds",
)
LIVE_UNREAD_BYTES = env.int(
    "LIVE_UNREAD_BYTES",
    2_000_000,
    "A browser for which more than this waits is disconnected.",
    unit="bytes",
)
LIVE_SOCKETS_PER_USER = env.int(
    "LIVE_SOCKETS_PER_USER", 200, "Sockets of pages that one user can open, in each web process."
)
ROWS_PER_PAGE = 100

EVENTS_KEPT = env.int("EVENTS_KEPT", 10_000, "Events kept for API clients that reconnect.")
EVENTS_OPEN_S = env.int(
    "EVENTS_OPEN_S",
    600,
    "How long events are kept after the last API client disconnected.",
    unit="seconds",
)
EVENTS_PER_USER = env.int(
    "EVENTS_PER_USER",
    200,
    "Sockets and streams of events that one user can open, and streams of the log, in each web "
    "process.",
)
