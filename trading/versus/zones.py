"""Times as people type them for a schedule: on the clock of a zone that they name.

A clock that is put forward skips an hour, and one that is put back shows an hour twice. A time in
either is refused with a sentence: to guess would begin a step an hour off.
"""

from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from trading.sizing import Refused

SHOWN = 40


@cache
def _known() -> frozenset[str]:
    """Read once a process: it looks through a folder."""
    return frozenset(available_timezones())


@cache
def names() -> tuple[str, ...]:
    """Offered to choose from: UTC, and those that are named for a place."""
    return ("UTC", *sorted(name for name in _known() if _is_place(name)))


def _is_place(name: str) -> bool:
    return "/" in name and not name.startswith(("Etc/", "SystemV/", "US/"))


def zone(name: str) -> ZoneInfo:
    """Raises Refused."""
    name = name.strip()
    if not name:
        raise Refused("Name the time zone, such as Europe/Madrid.")
    if name not in _known():
        raise Refused(f"“{name[:SHOWN]}” is no time zone. Write one such as Europe/Madrid or UTC.")
    return ZoneInfo(name)


def stored(name: str) -> ZoneInfo:
    """UTC for one that this machine does not know any more."""
    return ZoneInfo(name if name in _known() else "UTC")


def read(text: str, here: ZoneInfo, what: str) -> datetime | None:
    """In UTC; None for an empty text. Raises Refused with a sentence about `what`."""
    text = text.strip()
    if not text:
        return None
    if ":" not in text:
        raise _unreadable(text, what)
    try:
        local = datetime.fromisoformat(text)
        if local.tzinfo is not None:  # it says itself which clock it is on
            return local.astimezone(UTC)
        both = [local.replace(tzinfo=here, fold=fold) for fold in (0, 1)]
        first, second = (at.astimezone(UTC) for at in both)
    except (ValueError, OverflowError) as error:
        raise _unreadable(text, what) from error
    if first == second:
        return first
    if first.astimezone(here).replace(tzinfo=None) != local:
        raise Refused(f"{what}: {local:%Y-%m-%d %H:%M} does not exist in {here}: {FORWARD}")
    raise Refused(f"{what}: {local:%Y-%m-%d %H:%M} comes twice in {here}: {BACK}")


FORWARD = "the clock is put forward over it. Choose a time before or after."
BACK = "the clock is put back over it. Choose a time before or after, or write it in UTC."


def _unreadable(text: str, what: str) -> Refused:
    return Refused(f"{what}: “{text[:SHOWN]}” is no date and time. Write it as 2026-01-31 14:30.")


def typed(at: datetime | None, here: ZoneInfo) -> str:
    """As its field takes it; empty for none."""
    return "" if at is None else f"{at.astimezone(here):%Y-%m-%dT%H:%M}"
