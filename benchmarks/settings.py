"""Settings of measurements: the product's own, for servers whose pages have no static files."""

from mt5monitor.settings import *  # noqa: F403

CHECKED_AT_START = False
