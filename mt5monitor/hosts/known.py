"""The number that this process saw last in the row of its host: a database that is restored while
processes run is behind it, and no order leaves before the next comparison has stopped trading."""

from django.db.models import Exists, Q, QuerySet

from mt5monitor.hosts.models import Host

_seen: tuple[str, int] | None = None


def note(host: str, number: int) -> None:
    global _seen
    _seen = host, number


def forget() -> None:
    """As a process that has not compared anything, such as a command."""
    global _seen
    _seen = None


def conditions() -> list[Exists]:
    """Return what must hold in the database, for a query; nothing where nothing was seen."""
    if _seen is None:
        return []
    return [Exists(_as_new(*_seen))]


def is_behind() -> bool:
    """Return whether the database is older than what this process has seen."""
    return _seen is not None and not _as_new(*_seen).exists()


def _as_new(host: str, number: int) -> QuerySet[Host]:
    return Host.objects.filter(Q(number__gte=number) | Q(number=None), pk=host)
