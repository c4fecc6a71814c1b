"""What a process prints: all of it to its own log, warnings and errors to the screen too."""

import contextlib
import logging
import re
import sys
import threading
import time
from collections import deque
from pathlib import Path
from typing import IO

LOG_BYTES = 5_000_000  # of one log file; one older file is kept beside it
LINE_BYTES = 4_000
TAIL_LINES = 12
# Of one process: so many lines on the screen in so many seconds; the others are in its log only.
SCREEN_LINES = 3
SCREEN_SECONDS = 30.0
# Warnings of Python itself, of what libraries will change some day, are for developers.
SERIOUS = re.compile(r"^\S+ [\d:,.]+ +(WARNING|ERROR|CRITICAL)\b(?! py\.warnings)")

_screen = threading.Lock()
# What staff read of the supervisor, in the operations log: see supervisor.py.
log = logging.getLogger("mt5monitor.stack")


def say(line: str) -> None:
    _print(line, sys.stdout)


def complain(line: str) -> None:
    _print(line, sys.stderr)


def report(line: str) -> None:
    """Complain where staff see it too, who do not see the screen."""
    complain(line)
    log.warning(line)


def _print(line: str, stream: IO[str]) -> None:
    try:
        with _screen:
            print(line, file=stream, flush=True)  # noqa: T201
    except OSError:
        pass  # nobody reads the screen any more; that is no reason to end the stack


class Output:
    """Copies one stream of a process, on a thread of its own, until the process closes it."""

    def __init__(self, name: str, path: Path) -> None:
        self.name, self.path = name, path
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._shown: deque[float] = deque(maxlen=SCREEN_LINES)
        self._thread: threading.Thread | None = None
        rotate(path)

    def follow(self, stream: IO[bytes]) -> None:
        self.tail.clear()
        thread = threading.Thread(
            target=self._copy, args=(stream,), name=f"output-{self.name}", daemon=True
        )
        thread.start()
        self._thread = thread

    def finish(self) -> None:
        """Wait a moment for the last words of a process that has ended."""
        if self._thread is not None:
            self._thread.join(0.5)

    def _copy(self, stream: IO[bytes]) -> None:
        file: IO[bytes] | None = None
        with stream:
            while line := stream.readline(LINE_BYTES):
                file = self._keep(line, file)
                self._show(line)
        self._close(file)

    def _keep(self, line: bytes, file: IO[bytes] | None) -> IO[bytes] | None:
        """The file for the next line; None where it has to be opened for it."""
        try:
            # Unbuffered: what a full disk does not take is lost, and does not pile up.
            file = file or self.path.open("ab", buffering=0)
            file.write(line)
            if file.tell() <= LOG_BYTES:
                return file
            rotate(self.path)
        except OSError:
            pass  # a full disk must not block the process behind a pipe that nobody empties
        self._close(file)
        return None

    def _close(self, file: IO[bytes] | None) -> None:
        if file is not None:
            with contextlib.suppress(OSError):
                file.close()

    def _show(self, raw: bytes) -> None:
        line = raw.decode(errors="replace").rstrip()
        self.tail.append(line)
        if not SERIOUS.match(line):
            return
        now = time.monotonic()
        if len(self._shown) == SCREEN_LINES and now - self._shown[0] < SCREEN_SECONDS:
            return
        self._shown.append(now)
        complain(f"{self.name}: {line}")


def rotate(path: Path) -> None:
    """Leave it where it is when it cannot be moved: a log is no reason to end the stack."""
    with contextlib.suppress(OSError):
        if path.exists() and path.stat().st_size:
            path.replace(path.with_name(f"{path.name}.1"))
