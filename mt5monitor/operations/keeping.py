"""From a process's loggers to the log in Valkey, without ever holding up whoever logs.

Lines wait in the process and are sent by a thread of its own, many at a time. While Valkey is away
the newest are kept; on the console, where they stand as well, none is lost.
"""

import collections
import logging
import os
import threading
import time
from typing import Any

import msgspec
import redis
from django.conf import settings

from mt5monitor.operations.entry import Entry
from mt5monitor.valkey import ERRORS, Backoff, connect

STREAM = "mt5monitor:operations"
WAITING_MOST = 2000
AT_ONCE = 200
LAST_S = 1.0  # for what is left when the process ends
# What a forked process got from its parent. Never closed nor collected here: that asks for a lock
# that a thread of the parent may have held when it forked, and nobody lets go of it here.
_inherited: list[redis.Redis | None] = []


class Keeping(logging.Handler):
    def __init__(self, level: int = logging.INFO) -> None:
        super().__init__(level)
        self._start_anew()

    def _start_anew(self) -> None:
        """Also in a process that was forked: it has none of its parent's threads."""
        self._pid = os.getpid()
        self._waiting: collections.deque[bytes] = collections.deque(maxlen=WAITING_MOST)
        self._wake = threading.Event()
        self._ends = False
        self._thread: threading.Thread | None = None
        self._client: redis.Redis | None = None

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith("redis") or record.threadName == "operations":
            return  # its own troubles would go round for ever
        if self._pid != os.getpid():
            _inherited.append(self._client)
            self._start_anew()
        try:
            # Made ready here: what cannot be written must not stop the thread that sends.
            self._waiting.append(msgspec.json.encode(Entry.of(record)))
        except Exception:  # noqa: BLE001 - whatever is wrong with a line, whoever logs it goes on
            self.handleError(record)
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="operations", daemon=True)
            self._thread.start()
        self._wake.set()

    def _run(self) -> None:
        backoff = Backoff()
        while not self._ends or self._waiting:
            self._wake.wait()
            self._wake.clear()
            while self._waiting:
                if self._send():
                    backoff.reset()
                    continue
                if self._ends:
                    return
                time.sleep(backoff.after_failure())

    def _send(self) -> bool:
        batch = list(self._waiting)[:AT_ONCE]
        try:
            if self._client is None:
                self._client = connect(settings.REDIS_URL)
            pipe = self._client.pipeline(transaction=False)
            for entry in batch:
                line: dict[Any, Any] = {"line": entry}
                pipe.xadd(STREAM, line, maxlen=settings.OPERATIONS_LINES, approximate=True)
            pipe.execute()
        except ERRORS:
            return False
        for entry in batch:
            # New ones may have pushed it out meanwhile.
            if self._waiting and self._waiting[0] is entry:
                self._waiting.popleft()
        return True

    def close(self) -> None:
        self._ends = True
        thread = self._thread
        if thread is not None and self._pid == os.getpid():
            self._wake.set()
            thread.join(LAST_S)
        super().close()
