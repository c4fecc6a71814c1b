"""One line a minute stands for all of its kind: a server that is away is no news each second."""

import logging
import threading
import time

EVERY_S = 60.0
KINDS_MOST = 500  # a logger that writes its values into the message makes a kind of each


class Repeats(logging.Filter):
    """For loggers that say the same at each try. A kind is a logger, a level and a message before
    its values are put in; the line that is let through again says how many were not."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._kinds: dict[tuple[str, int, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING:
            return True
        left_out = self._left_out(record, time.monotonic())
        if left_out:
            record.msg = f"{record.msg}\n{left_out} more like this since the last one."
        return left_out is not None

    def _left_out(self, record: logging.LogRecord, now: float) -> int | None:
        """How many were held back before this one; None when it is held back too."""
        kind = (record.name, record.levelno, str(record.msg))
        with self._lock:
            at, left_out = self._kinds.get(kind, (now - EVERY_S, 0))
            if now - at < EVERY_S:
                self._kinds[kind] = (at, left_out + 1)
                return None
            if len(self._kinds) >= KINDS_MOST:
                self._kinds.clear()
            self._kinds[kind] = (now, 0)
            return left_out
