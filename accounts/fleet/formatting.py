"""Figures as text: money, shares, ages. Unknown is an en dash that says so, never a zero."""

from datetime import datetime, timedelta
from decimal import Decimal

from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.models.money import places_of, trimmed


def unknown(why: str) -> SafeString:
    """An en dash that tells `why` when pointed at or read out."""
    return format_html('<abbr title="{}">–</abbr>', why)


UNKNOWN = unknown("Unknown")
NEVER_SEEN = unknown("Never seen")


def money(value: Decimal | None, places: int | None = None) -> str:
    """Return money with its thousands grouped: 98,250.10, or 0.05132412.

    `places`: how many decimals the currency has; None: as many as the figure needs, 2 at least.
    """
    return UNKNOWN if value is None else f"{value:,.{_places(value, places)}f}"


def signed_money(value: Decimal | None, places: int | None = None) -> str:
    """As money(), with the sign of a gain too, so that colour is never the only sign."""
    if value is None:
        return UNKNOWN
    sign = "+" if value else ""
    return f"{value:{sign},.{_places(value, places)}f}"


def _places(value: Decimal, places: int | None) -> int:
    return places_of(value) if places is None else places


def signed_percent(value: Decimal | None) -> str:
    """Two decimals; none from a thousand on, which says "look at the initial balance"."""
    if value is None:
        return UNKNOWN
    if abs(value) >= 1000:
        return f"{value:+,.0f}%"
    text = f"{value:+.2f}"
    return "0.00%" if text in ("+0.00", "-0.00") else f"{text}%"


def direction(value: Decimal | None) -> str:
    """The class of a figure that is a loss or a gain."""
    if not value:
        return ""
    return "gain" if value > 0 else "loss"


def plain(value: Decimal | None) -> str:
    """For `data-value`, which scripts compare: no grouping, empty when unknown."""
    return "" if value is None else f"{trimmed(value):f}"


def price(value: Decimal | None) -> str:
    """A price or a volume, all of it, without the zeros that its column stores behind it."""
    return UNKNOWN if value is None else f"{value.normalize():,f}"


def age(since: datetime | None, now: datetime) -> str:
    """How long ago, in its largest unit: 3 s, 2 min, 5 h, 4 d. A clock ahead of ours is 0 s."""
    return UNKNOWN if since is None else span(now - since)


def last_seen(at: datetime | None, now: datetime) -> str:
    """How long ago an agent or account was seen last; None: never."""
    return NEVER_SEEN if at is None else age(at, now)


def span(length: timedelta) -> str:
    seconds = max(int(length.total_seconds()), 0)
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def unix(at: datetime | None) -> str:
    """Whole seconds since 1970, for scripts that tick; empty when unknown."""
    return "" if at is None else str(int(at.timestamp()))
