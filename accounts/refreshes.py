"""Which agents are being read because somebody asked: each once at a time in a process, so that
nobody can load an agent, or hold the threads of the server, by asking again and again."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_running: set[int] = set()


class Turn:
    """`ids` are the agents that are this caller's to read."""

    def __init__(self, ids: Iterable[int]) -> None:
        with _lock:
            self.ids = set(ids) - _running
            _running.update(self.ids)
        self._left = set(self.ids)

    def is_over(self, agent_id: int) -> None:
        """It was read: whoever asks from here on is served."""
        with _lock:
            self._left.discard(agent_id)
            _running.discard(agent_id)

    def end(self) -> None:
        with _lock:
            _running.difference_update(self._left)


@contextmanager
def turn(ids: Iterable[int]) -> Iterator[Turn]:
    """A turn with those of these agents that nobody is reading; over at the end of the block."""
    taken = Turn(ids)
    try:
        yield taken
    finally:
        taken.end()
