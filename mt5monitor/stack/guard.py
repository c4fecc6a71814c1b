"""Ends everything if the supervisor is killed: a small process that outlives it for a moment.

The supervisor tells it on a pipe which process groups there are. When the pipe closes without a
goodbye, the supervisor is gone, and the guard ends every group that it knows of. A pipe works on
every Unix, and tells at once.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from typing import IO

PATIENCE_S = 2.5
GOODBYE = b"goodbye\n"


class Guard:
    """The supervisor's end of the pipe. Survives the death of the guard, which it starts anew."""

    def __init__(self, lock: int) -> None:
        self._lock = lock
        self._groups: set[int] = set()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Raises OSError when the machine has no room for it; then it is not running."""
        if self.process is not None and self.process.stdin is not None:
            with contextlib.suppress(OSError):  # what was not written when it was killed
                self.process.stdin.close()
        self.process = None
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mt5monitor.stack.guard"],
            stdin=subprocess.PIPE,
            start_new_session=True,
            # The lock is held until the last process is gone, by the supervisor or by its guard.
            pass_fds=[self._lock],
        )
        for group in self._groups:
            self._tell(f"+{group}\n".encode())

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def watch(self, group: int) -> None:
        self._groups.add(group)
        self._tell(f"+{group}\n".encode())

    def forget(self, group: int) -> None:
        self._groups.discard(group)
        self._tell(f"-{group}\n".encode())

    def dismiss(self) -> None:
        """All processes have ended in good order: the guard ends too."""
        self._tell(GOODBYE)
        if self.process is not None and self.process.stdin is not None:
            try:
                self.process.stdin.close()
                self.process.wait(1)
            except (OSError, subprocess.TimeoutExpired):
                self.process.kill()
                self.process.wait()

    def _tell(self, line: bytes) -> None:
        if self.process is None or self.process.stdin is None:
            return
        try:
            self.process.stdin.write(line)
            self.process.stdin.flush()
        except OSError:
            pass  # the guard was killed; the supervisor starts another, which is told everything


def listen(stream: IO[bytes]) -> set[int]:
    """The groups left when the supervisor's end closed; none after a goodbye."""
    groups: set[int] = set()
    for line in stream:
        if line == GOODBYE:
            return set()
        if line[:1] == b"+":
            groups.add(int(line[1:]))
        else:
            groups.discard(int(line[1:]))
    return groups


def end(groups: set[int]) -> None:
    """Ask all of them to end, and kill those that have not after PATIENCE_S."""
    give_up = time.monotonic() + PATIENCE_S
    left = {group for group in groups if _signalled(group, signal.SIGTERM)}
    while left and time.monotonic() < give_up:
        time.sleep(0.05)
        left = {group for group in left if _signalled(group, 0)}
    for group in left:
        _signalled(group, signal.SIGKILL)


def _signalled(group: int, number: int) -> bool:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def main() -> None:
    # Whatever ends the terminal or the stack as a whole must not end the guard before its work.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups = listen(sys.stdin.buffer)
    if groups:
        try:
            sys.stderr.write("The supervisor was killed: ending the rest of the stack.\n")
            sys.stderr.flush()
        except OSError:
            pass
        end(groups)


if __name__ == "__main__":
    main()
