"""The mark in STATE_DIR against the row of this host: they advance together, at each start and each
minute. One that is behind the other, or is not where it was, was restored or copied.

Then trading stops and this host gets a new mark, so that the stop is written once: switching
trading on is what confirms the new place. What all of this cannot see is a copy of whole disks, of
folder and database at once, on a machine that keeps its id.
"""

import logging
import secrets
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec
from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now

from mt5monitor.hosts import keys, known, mark, place
from mt5monitor.hosts.mark import Mark
from mt5monitor.hosts.models import Host

log = logging.getLogger(__name__)

# Every process of a host asks each minute; one of them advances the mark.
ADVANCE_EVERY_S = 45.0


class Guard(Protocol):
    """What an app does so that nothing goes on by itself in a restored or copied place."""

    def other_instance(self) -> str:
        """Return what shows it in the app's own rows, in words for a person; else empty."""

    def stop(self, notice: str) -> None:
        """Stop what would go on. `notice`: what was noticed, without a full stop."""


guards: list[Guard] = []
"""Of the apps: each adds its own when it is ready. None of them is imported from here."""


@dataclass(frozen=True, slots=True)
class Here:
    """Where this process finds itself."""

    machine: str
    database: str

    @classmethod
    def now(cls) -> "Here":
        return cls(place.of_machine(), place.of_database())


def attend(*, started: bool = False, state_dir: Path | None = None) -> str:
    """Compare, stop trading where that shows a copy, advance. Return what was noticed, in words for
    a person; empty when all is as it was. A start (`started`) checks the keys before it writes.

    Harmless when several processes do it at once. Raise Unfit, django.db.Error and OSError.
    """
    folder = state_dir or settings.STATE_DIR
    with mark.held(folder):
        found, notice = _read(folder)
        if started:
            keys.check(found.host if found else "")
        with transaction.atomic():
            row = Host.objects.select_for_update().filter(pk=found.host).first() if found else None
            here = Here.now()
            notice = notice or noticed(found, row, here, is_copy=_is_copy(folder, found))
            notice = notice or _of_guards()
            if notice:
                for guard in guards:
                    guard.stop(notice)
                Host.objects.update(number=None, database=here.database)
                found = row = None
            elif not started and row and _is_recent(row):
                known.note(row.pk, row.number or 0)
                return ""
            new = _next(found, row, here)
            if notice:
                new = msgspec.structs.replace(new, was=mark.UNSTOPPED)
            # First the file: were we to end here, it would know both numbers.
            mark.write(folder, new)
            _record(new, here)
        mark.write(folder, msgspec.structs.replace(new, was=new.number))
        known.note(new.host, new.number)
    return notice


def _of_guards() -> str:
    return next(filter(None, (guard.other_instance() for guard in guards)), "")


def host() -> str:
    """Return the id of this host's row; empty when it has none yet."""
    found, _ = _read(settings.STATE_DIR)
    return found.host if found else ""


def _read(folder: Path) -> tuple[Mark | None, str]:
    try:
        return mark.read(folder), ""
    except msgspec.DecodeError:
        return None, f"{mark.NAME} in STATE_DIR is damaged"


def _is_copy(folder: Path, found: Mark | None) -> bool:
    return found is not None and mark.is_copy(folder, found)


def noticed(found: Mark | None, row: Host | None, here: Here, *, is_copy: bool) -> str:
    """Return what shows that something was restored or copied; empty when nothing does."""
    if is_copy:
        return "STATE_DIR was copied or restored from a backup"
    if found is not None and place.differ(found.machine, here.machine):
        return "STATE_DIR came here from another machine"
    # Its database was confirmed by another host, which wrote this row before it had this one's.
    if row is not None and row.number is None:
        return ""
    if found is None and connection.vendor == "sqlite" and Host.objects.exists():
        # Another host may join at any time; but a file of SQLite has one folder.
        return "The database was restored or moved into another STATE_DIR"
    if any(place.differ(before, here.database) for before in _places(found)):
        return "The database was copied or restored: it is not where it was"
    if found is None:
        return ""
    if row is None and found.was == mark.NEW:
        return ""  # its first process died before the database was written
    if row is None:
        return "The database does not know this STATE_DIR: one of them was restored or replaced"
    if row.number is not None and row.number < found.was:
        return "The database was restored from a backup: it is older than STATE_DIR"
    if row.number is not None and row.number > found.number:
        return "STATE_DIR was restored from a backup: it is older than the database"
    return ""


def _places(found: Mark | None) -> set[str]:
    """Where the database was when hosts wrote into it: a dump takes these along."""
    known = set(Host.objects.values_list("database", flat=True).distinct())
    return known | {found.database} if found else known


def _is_recent(row: Host) -> bool:
    """Whether another process of this host has just advanced it. Its place is what was compared.
    Not where that lies ahead: then the clock was set back since."""
    return abs(time.time() - row.seen_at.timestamp()) < ADVANCE_EVERY_S


def _next(found: Mark | None, row: Host | None, here: Here) -> Mark:
    host = found.host if found else secrets.token_hex(16)
    before = found.number if found else 0
    was = mark.NEW if row is None else before if row.number is None else row.number
    return Mark(host, max(was, before) + 1, was, "", here.machine, here.database)


def _record(new: Mark, here: Here) -> None:
    columns = {
        "name": socket.gethostname(),
        "number": new.number,
        "database": here.database,
        "keys": keys.own(),
        "seen_at": Now(),
    }
    Host.objects.update_or_create(pk=new.host, defaults=columns)
    Host.objects.forgotten().delete()
