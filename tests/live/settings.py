"""Settings of servers in tests: the product's own. Tests empty the rows under a running server,
which on any other day would be a database that was restored."""

from mt5monitor.settings import *  # noqa: F403

CHECKED_AT_START = False
