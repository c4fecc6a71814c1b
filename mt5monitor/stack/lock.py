"""One stack a STATE_DIR: a lock that the kernel drops when its holders are gone."""

import fcntl
import os
import time
from pathlib import Path

from mt5monitor.stack.refused import Refused

# A killed stack's guard holds the lock until it has ended what was left: see guard.py.
WAIT_FOR_GUARD_S = 6.0


def take_lock(state_dir: Path) -> int:
    """A descriptor that holds the lock for as long as it is open. Raises Refused when taken."""
    path = state_dir / "stack.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    give_up = time.monotonic() + WAIT_FOR_GUARD_S
    while not _locked(descriptor):
        holder = path.read_text().strip()
        if _alive(holder) or time.monotonic() > give_up:
            os.close(descriptor)
            raise Refused(
                f"MT5 Monitor already runs on {state_dir} (process {holder or 'unknown'}). "
                "End it first, or give this copy a STATE_DIR and a PORT of its own."
            )
        time.sleep(0.1)
    os.ftruncate(descriptor, 0)
    os.write(descriptor, str(os.getpid()).encode())
    return descriptor


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _alive(pid: str) -> bool:
    if not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
