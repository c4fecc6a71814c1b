"""Where a file, a machine and a database are, in words that a copy does not share.

Two places are compared when both are known, and known by the same means: empty is unknown.
"""

import ctypes
import os
import struct
from pathlib import Path

from django.db import Error, connection, transaction

MACHINE_IDS = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))
# Where an id is the image's or the container's: another one with each build or start.
CONTAINERS = (Path("/.dockerenv"), Path("/run/.containerenv"))

# Of linux/stat.h.
AT_FDCWD = -100
STATX_BTIME = 0x800
STATX_SIZE = 256
BTIME_AT = 80


def differ(one: str, other: str) -> bool:
    """Return whether these are two places, as far as is known."""
    if not one or not other or one.partition(" ")[0] != other.partition(" ")[0]:
        return False
    return one != other


def of_file(path: Path) -> str:
    """Return what stays when the file is renamed, and no copy of it has: the moment of its birth,
    in nanoseconds; its inode, which a copy may be given later, where the file system keeps none."""
    born = _born(path)
    return f"born {born}" if born else f"inode {path.stat().st_ino}"


def _born(path: Path) -> int:
    """Nanoseconds since 1970; 0 when unknown."""
    found = path.stat()
    if seconds := getattr(found, "st_birthtime", None):  # macOS and BSD
        return int(getattr(found, "st_birthtime_ns", seconds * 1e9))
    return _born_on_linux(path)


def _born_on_linux(path: Path) -> int:
    """Python's own stat does not report it there."""
    try:
        statx = ctypes.CDLL(None, use_errno=True).statx
    except (AttributeError, OSError):
        return 0
    buffer = ctypes.create_string_buffer(STATX_SIZE)
    if statx(AT_FDCWD, os.fsencode(path), 0, STATX_BTIME, buffer) != 0:
        return 0
    (mask,) = struct.unpack_from("=I", buffer, 0)
    seconds, nanoseconds = struct.unpack_from("=qI", buffer, BTIME_AT)
    return int(seconds * 10**9 + nanoseconds) if mask & STATX_BTIME else 0


def of_machine() -> str:
    """Return the id of this installation of its system. Empty where there is none, and in
    containers, which may be given another machine's volume without our seeing it."""
    if _is_in_container():
        return ""
    for path in MACHINE_IDS:
        try:
            if found := path.read_text().strip():
                return f"machine {found}"
        except OSError:
            continue
    return ""


def _is_in_container() -> bool:
    return "KUBERNETES_SERVICE_HOST" in os.environ or any(mark.exists() for mark in CONTAINERS)


def of_database() -> str:
    """Return where the rows are: a dump that is loaded elsewhere is somewhere else. PostgreSQL: the
    cluster and the database in it, which a standby that takes over shares. Raise Error."""
    if connection.vendor == "sqlite":
        path = Path(str(connection.settings_dict["NAME"]))
        return of_file(path) if path.is_file() else ""
    with connection.cursor() as cursor:
        cursor.execute("SELECT oid FROM pg_database WHERE datname = current_database()")
        (oid,) = cursor.fetchone()
    cluster = _cluster()
    return f"postgresql {cluster} {oid}" if cluster else f"database {oid}"


def _cluster() -> str:
    """Empty where a hosted PostgreSQL does not let its users see it."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT system_identifier FROM pg_control_system()")
            (found,) = cursor.fetchone()
    except Error:
        return ""
    return str(found)
