"""Which agents are being read because somebody asked: each once at a time in a process, and what
came of it is told to all who asked meanwhile. Nobody can load an agent, or hold all threads of the
server, by asking again and again."""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager

from django.conf import settings

from accounts.results import Outcome

_lock = threading.Lock()
_running: dict[int, "Future[Outcome | None]"] = {}
_late: dict[int, tuple[float, str, Outcome]] = {}  # by agent: when, at which address
_waiting: Counter[int] = Counter()


class Crowded(Exception):
    """So many are waiting for agents that one more has to come again."""


class Turn:
    """`ids` are the agents that are this caller's to read; `others` are being read for somebody
    else, or were within the last `late_s` seconds."""

    def __init__(self, urls: Mapping[int, str], late_s: float) -> None:
        self._urls = urls
        since = time.monotonic() - late_s
        with _lock:
            self.others = {pk: _running[pk] for pk in urls.keys() & _running.keys()}
            for pk in urls.keys() & _late.keys() - self.others.keys():
                read_at, url, outcome = _late[pk]
                if read_at > since and url == urls[pk]:
                    self.others[pk] = Future()
                    self.others[pk].set_result(outcome)
            self.ids = urls.keys() - self.others.keys()
            _running.update({pk: Future() for pk in self.ids})
        self._left = set(self.ids)

    def is_over(self, outcome: Outcome) -> None:
        """It was read: whoever waits for it is told, whoever asks from here on is served."""
        pk = outcome.agent_id
        with _lock:
            self._left.discard(pk)
            _late[pk] = time.monotonic(), self._urls[pk], outcome
            _running.pop(pk).set_result(outcome)

    def end(self) -> None:
        with _lock:
            for pk in self._left:
                _running.pop(pk).set_result(None)
            self._left.clear()

    def outcome_of(self, agent_id: int, until: float) -> Outcome | None:
        """Of one of `others`, waited for until then on the monotonic clock; None: not known."""
        try:
            return self.others[agent_id].result(max(until - time.monotonic(), 0))
        except TimeoutError:
            return None


@contextmanager
def turn(urls: Mapping[int, str], late_s: float = 0) -> Iterator[Turn]:
    """A turn with those of these agents that nobody is reading, over at the end of the block.
    `urls`: their addresses, by id."""
    taken = Turn(urls, late_s)
    try:
        yield taken
    finally:
        taken.end()


@contextmanager
def place(user_id: int) -> Iterator[None]:
    """One of the places to wait for agents: each holds a thread of this process. Raises Crowded."""
    with _lock:
        if _waiting[user_id] >= settings.REFRESHES_PER_USER:
            raise Crowded("You are waiting for as many readings as one user may: wait for those.")
        if _waiting.total() >= settings.REFRESHES_AT_ONCE:
            raise Crowded("Too many are waiting for agents at this moment: try again soon.")
        _waiting[user_id] += 1
    try:
        yield
    finally:
        with _lock:
            _waiting[user_id] -= 1
            if not _waiting[user_id]:
                del _waiting[user_id]
