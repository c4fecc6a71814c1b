"""How soon figures are wanted again, and why."""

from typing import NamedTuple


class Urgency(NamedTuple):
    """`level` is a key of settings.POLL_INTERVALS, or FIXED."""

    level: str
    reason: str


FIXED = "fixed"
