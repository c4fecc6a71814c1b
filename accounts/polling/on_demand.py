"""Which agents are being read because somebody asked: each once at a time in a process, and what
came of it is told to all who asked meanwhile. Nobody can load an agent, or hold all threads of the
server, by asking again and again."""

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager

from django.conf import settings

from accounts.polling.poll_result import Outcome

_lock = threading.Lock()
_running: dict[int, "Future[Outcome | None]"] = {}
# Readings that begin when the one that runs is over, for callers that one was too early for.
_next: dict[int, "Future[Outcome | None]"] = {}
_late: dict[int, tuple[float, str, Outcome]] = {}  # by agent: when, at which address
_waiting: Counter[int] = Counter()


class TooManyRefreshes(Exception):
    """So many are waiting for agents that one more has to come again."""


class Turn:
    """`ids` are the agents that are this caller's to read; `others` are being read for somebody
    else, or were within the last `late_s` seconds. With `fresh`, a reading counts only if it began
    after this moment: one that runs already may show what was there before a trade."""

    def __init__(self, urls: Mapping[int, str], late_s: float, *, fresh: bool = False) -> None:
        self._urls, self._late_s = urls, 0 if fresh else late_s
        self.others: dict[int, Future[Outcome | None]] = {}
        self._before: dict[int, Future[Outcome | None]] = {}
        self._own: dict[int, Future[Outcome | None]] = {}
        with _lock:
            for pk in urls:
                running = _running.get(pk)
                if shared := (None if fresh else running) or _next.get(pk) or self._known(pk):
                    self.others[pk] = shared
                    continue
                self._own[pk] = Future()
                if running is None:
                    _running[pk] = self._own[pk]
                else:
                    self._before[pk], _next[pk] = running, self._own[pk]
        self.ids = self._own.keys()

    def _known(self, pk: int) -> "Future[Outcome | None] | None":
        read_at, url, outcome = _late.get(pk, (0.0, "", None))
        if outcome is None or url != self._urls[pk] or read_at <= time.monotonic() - self._late_s:
            return None
        known: Future[Outcome | None] = Future()
        known.set_result(outcome)
        return known

    def begin(self, until: float) -> None:
        """Waits, at most until then on the monotonic clock, for the readings that were under way;
        `ids` may be read from here on."""
        for pk, running in self._before.items():
            with contextlib.suppress(TimeoutError):
                running.result(max(until - time.monotonic(), 0))
            with _lock:
                _running[pk] = _next.pop(pk)
        self._before.clear()

    def is_over(self, outcome: Outcome) -> None:
        """It was read: whoever waits for it is told, whoever asks from here on is served."""
        pk = outcome.agent_id
        with _lock:
            _late[pk] = time.monotonic(), self._urls[pk], outcome
        self._leave(pk, outcome)

    def end(self) -> None:
        for pk in self._own:
            self._leave(pk, None)

    def _leave(self, pk: int, outcome: Outcome | None) -> None:
        own = self._own[pk]
        with _lock:
            for readings in (_running, _next):
                if readings.get(pk) is own:
                    del readings[pk]
            if not own.done():
                own.set_result(outcome)

    def outcome_of(self, agent_id: int, until: float) -> Outcome | None:
        """Of one of `others`, waited for until then on the monotonic clock; None: not known."""
        try:
            return self.others[agent_id].result(max(until - time.monotonic(), 0))
        except TimeoutError:
            return None


@contextmanager
def turn(urls: Mapping[int, str], late_s: float = 0, *, fresh: bool = False) -> Iterator[Turn]:
    """A turn with those of these agents that nobody is reading, over at the end of the block.
    `urls`: their addresses, by id."""
    taken = Turn(urls, late_s, fresh=fresh)
    try:
        yield taken
    finally:
        taken.end()


@contextmanager
def place(user_id: int) -> Iterator[None]:
    """Take one of the places to wait for agents: each holds a thread of this process.

    Raise TooManyRefreshes."""
    with _lock:
        if _waiting[user_id] >= settings.REFRESHES_PER_USER:
            raise TooManyRefreshes(
                "You are waiting for as many readings as one user may: wait for those."
            )
        if _waiting.total() >= settings.REFRESHES_AT_ONCE:
            raise TooManyRefreshes(
                "Too many are waiting for agents at this moment: try again soon."
            )
        _waiting[user_id] += 1
    try:
        yield
    finally:
        with _lock:
            _waiting[user_id] -= 1
            if not _waiting[user_id]:
                del _waiting[user_id]
