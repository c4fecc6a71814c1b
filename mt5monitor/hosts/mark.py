"""The mark in STATE_DIR: a file that names itself, so that no copy of it is taken for it."""

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from mt5monitor.hosts import place

NAME, LOCK = "host.json", "host.lock"
NEW = 0  # the host was not known before
UNSTOPPED = -1  # nor was it, and trading had to stop: should that be lost, the next start does it
WAIT_S = 60.0  # longer than any wait for the database, while it is held
LOOK_AGAIN_S = 0.05
HELD = "another process of this host holds it and does not go on"


class Mark(msgspec.Struct, frozen=True):
    """`number` is the one that the database has by now, or `was` if the process died before: NEW
    and UNSTOPPED where it had none.

    `file` is where this very file is, `machine` and `database` where it was written; see place.py.
    """

    host: str
    number: int
    was: int
    file: str
    machine: str
    database: str


_decoder = msgspec.json.Decoder(Mark)


def read(state_dir: Path) -> Mark | None:
    """Return the mark; None when there is none. Raise msgspec.DecodeError when it is damaged."""
    path = state_dir / NAME
    return _decoder.decode(path.read_bytes()) if path.exists() else None


def is_copy(state_dir: Path, mark: Mark) -> bool:
    return place.differ(mark.file, place.of_file(state_dir / NAME))


def write(state_dir: Path, mark: Mark) -> None:
    """Replace the mark by a new file, which names itself. Raise OSError."""
    draft = state_dir / f".{NAME}.new"  # of one process at a time: see held
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        itself = msgspec.structs.replace(mark, file=place.of_file(draft))
        file.write(msgspec.json.encode(itself))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(state_dir / NAME)


@contextmanager
def held(state_dir: Path) -> Iterator[None]:
    """While the processes of this host read and write it one after another. Raise OSError.

    Makes the folder: with all keys in the environment nothing else needs one on a worker's host.
    """
    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(state_dir / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _lock(descriptor, state_dir / LOCK)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, path: Path) -> None:
    """Raise TimeoutError where another holds it for so long: it may have been stopped meanwhile."""
    give_up = time.monotonic() + WAIT_S
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > give_up:
                raise TimeoutError(errno.ETIMEDOUT, HELD, str(path)) from error
            time.sleep(LOOK_AGAIN_S)
