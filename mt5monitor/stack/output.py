"""What a process prints: all of it to its own log, warnings and errors to the screen too."""

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


def say(line: str) -> None:
    _print(line, sys.stdout)


def complain(line: str) -> None:
    _print(line, sys.stderr)


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
        self._thread = threading.Thread(
            target=self._copy, args=(stream,), name=f"output-{self.name}", daemon=True
        )
        self._thread.start()

    def finish(self) -> None:
        """Wait a moment for the last words of a process that has ended."""
        if self._thread is not None:
            self._thread.join(0.5)

    def _copy(self, stream: IO[bytes]) -> None:
        with stream:
            file: IO[bytes] = self.path.open("ab")
            try:
                while line := stream.readline(LINE_BYTES):
                    file = self._keep(line, file)
                    self._show(line)
            finally:
                file.close()

    def _keep(self, line: bytes, file: IO[bytes]) -> IO[bytes]:
        try:
            file.write(line)
            file.flush()
            if file.tell() > LOG_BYTES:
                file.close()
                rotate(self.path)
                file = self.path.open("ab")
        except OSError:
            pass  # a full disk must not block the process behind a pipe that nobody empties
        return file

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
    if path.exists() and path.stat().st_size:
        path.replace(path.with_name(f"{path.name}.1"))
