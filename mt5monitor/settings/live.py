"""Live pages, and the events that API clients receive."""

from mt5monitor.settings.environment import env

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
