"""STATE_DIR is for its owner alone: the keys, the database, the logs and all else in it.

Every process passes here when it imports the settings, before it makes a file, so the umask that it
was started with does not matter.
"""

import contextlib
import os
import shlex
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

OTHERS = 0o077
# A folder with one of these in it is ours: closing /srv or a home folder by mistake would do harm.
MARKS = frozenset(
    {"secret_key", "agent_secrets_key", "instance_id", "mt5monitor.sqlite3", "static.stamp"}
    | {"celerybeat-schedule", "stack.lock", "host.json", "host.lock"}
)
MADE_BY_THE_SYSTEM = frozenset({"lost+found"})  # by mkfs, at the root of a volume
SQLITE_ENDS = ("", "-wal", "-shm", "-journal")


def make_private(folder: Path) -> None:
    """Close `folder`, what is in it and what this process will make to all other users.

    A folder that does not exist is left to the process that needs it. Raise ImproperlyConfigured
    for a folder that other users or programs share, and for one that cannot be read or closed.
    """
    os.umask(OTHERS)
    try:
        if not folder.is_dir():
            return
        if _is_open(folder) and _is_shared(folder):
            raise ImproperlyConfigured(
                f"STATE_DIR={folder} is shared with other users or programs. Set STATE_DIR to a "
                "separate folder, or close this one if only MT5 Monitor uses it: "
                f"chmod 700 {shlex.quote(str(folder))}"
            )
    except OSError as error:
        raise ImproperlyConfigured(
            f"STATE_DIR={folder} cannot be read: {error.strerror}. "
            "Run this as the user that owns it, or set STATE_DIR to another folder."
        ) from error
    # The folder first: nothing in it can be reached by others after that.
    _close([folder.resolve()])
    _close(_inside(folder))


def make_sqlite_private(database: Path) -> None:
    """Close the file of a database, wherever it is, and those that SQLite keeps beside it."""
    _close(database.with_name(f"{database.name}{end}") for end in SQLITE_ENDS)


def _is_open(path: Path) -> bool:
    return bool(path.stat().st_mode & OTHERS)


def _is_shared(folder: Path) -> bool:
    """Whether it is a place such as /tmp, or one whose files are not ours."""
    if folder.stat().st_mode & stat.S_ISVTX:
        return True
    names = {*os.listdir(folder)} - MADE_BY_THE_SYSTEM
    return bool(names) and names.isdisjoint(MARKS)


def _inside(folder: Path) -> Iterator[Path]:
    # A folder that cannot be entered is closed; links are not followed.
    for root, folders, files in os.walk(folder):
        yield from (Path(root, name) for name in (*folders, *files))


def _close(paths: Iterable[Path]) -> None:
    for path in paths:
        # Other processes remove files meanwhile, SQLite among them.
        with contextlib.suppress(FileNotFoundError):
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode) or not mode & OTHERS or _closed(path, mode):
                continue
            raise ImproperlyConfigured(
                f"{path} is open to other users of this machine and cannot be closed. Run "
                f"`chmod -R go= {shlex.quote(str(path))}` as its owner, "
                "or use a file system that keeps the modes of files."
            )


def _closed(path: Path, mode: int) -> bool:
    """Whether closing it had an effect: some file systems keep no modes."""
    try:
        path.chmod(stat.S_IMODE(mode) & ~OTHERS)
    except FileNotFoundError:
        raise
    except OSError:
        return False
    return not _is_open(path)
