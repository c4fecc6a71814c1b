"""The thread of a process that publishes, in their order, what its transactions have changed.

What could not be published is counted as lost, and as soon as Valkey answers a new epoch makes all
pages and API clients read everything again.
"""

import atexit
import logging
import os
import threading
import time

from django.db import connections

from accounts.live import changes, stream
from accounts.live.changes import Batch
from mt5monitor.database import FAULTS, reconnect
from mt5monitor.valkey import Backoff

log = logging.getLogger(__name__)

IDLE_S = 1.0  # after which the connection to the database is closed
EXIT_WAIT_S = 2.0  # for a command that ends with its last change


class Publisher:
    """The one of this process; used from any thread."""

    def __init__(self) -> None:
        self._waiting = Batch()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_busy = False
        self._lost = 0  # batches since one could not be published
        self._backoff = Backoff()
        self._retry_at = 0.0  # of time.monotonic()

    def submit(self, batch: Batch) -> None:
        """Have it published, together with what waits already. Never wait.

        Transactions that commit faster than they are read one by one, as those of polls, cost one
        reading together."""
        with self._changed:
            self._waiting.add(batch)
            self._wake()

    def lose(self) -> None:
        """Have all pages and API clients read everything again, as soon as that can be said."""
        with self._changed:
            self._lost += 1
            self._wake()

    def drain(self, timeout: float) -> bool:
        """Wait until everything submitted is published, or lost; return whether it was in time."""
        with self._changed:
            return self._changed.wait_for(
                lambda: not self._waiting and not self._is_busy, timeout=timeout
            )

    @property
    def is_behind(self) -> bool:
        """Whether something lost is still to be made up for."""
        return bool(self._lost)

    def _wake(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            thread = threading.Thread(target=self._run, name="publisher", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                # The caller has committed, and nothing to repair.
                log.exception("No thread to publish changes; they will be read again")
                self._waiting = Batch()
                self._lost += 1
                return
            self._thread = thread
        self._changed.notify_all()

    def _run(self) -> None:
        while True:
            batch = self._next()
            if batch is not None:
                self._publish(batch)
            elif not self._lost:
                connections.close_all()
            if self._lost and time.monotonic() >= self._retry_at:
                self._make_up()

    def _next(self) -> Batch | None:
        """The next to publish; None when there was none for a while."""
        with self._changed:
            self._is_busy = False
            self._changed.notify_all()
            if not self._waiting:
                until_retry = max(0.0, self._retry_at - time.monotonic())
                self._changed.wait(until_retry if self._lost else self._idle_s())
            if not self._waiting:
                return None
            self._is_busy = True
            batch, self._waiting = self._waiting, Batch()
            return batch

    def _idle_s(self) -> float | None:
        """How long to wait for more: for ever where no connection is to be closed then."""
        is_connected = any(one.connection for one in connections.all(initialized_only=True))
        return IDLE_S if is_connected else None

    def _publish(self, batch: Batch) -> None:
        if self._lost:
            self.lose()  # one new epoch stands for everything, until it has begun
            return
        try:
            self._write(batch)
        except stream.ERRORS as error:
            log.warning("Changes are not published: cannot reach Valkey (%s)", error)
            self.lose()
        except Exception as error:
            # The change itself is committed, and its caller has nothing to repair.
            log.exception("Changes could not be published; they will be read again")
            if isinstance(error, FAULTS):
                reconnect()
            self.lose()

    def _write(self, batch: Batch) -> None:
        valkey = stream.connection()
        to = stream.audiences(valkey)
        if to.pages or to.clients:
            for part in _read(batch, to):
                if part.items or part.note:
                    stream.write(valkey, part)

    def _make_up(self) -> None:
        """One new epoch stands for everything that was lost."""
        covered = self._lost
        try:
            stream.break_off(stream.connection())
        except Exception as error:
            if not isinstance(error, stream.ERRORS):
                log.exception("Lost changes could not be made up for; it is tried again")
            self._retry_at = time.monotonic() + self._backoff.after_failure()
            return
        self._backoff.reset()
        self._retry_at = 0.0
        with self._changed:
            self._lost -= covered
        log.info("Lost changes are made up for: everything is read again")


def _read(batch: Batch, to: stream.Audiences) -> list[stream.Part]:
    """Twice, where the connection had ended meanwhile. Raise FAULTS."""
    try:
        return changes.read(batch, to)
    except FAULTS:
        reconnect()
        return changes.read(batch, to)


_publisher = Publisher()


def publisher() -> Publisher:
    return _publisher


def _forget_parents_publisher() -> None:
    """A forked child has none of its parent's threads, and publishes none of its batches."""
    global _publisher
    _publisher = Publisher()


os.register_at_fork(after_in_child=_forget_parents_publisher)
atexit.register(lambda: publisher().drain(EXIT_WAIT_S))
