"""Other threads of a test: many that do the same at once, and one that stands in the way."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connections

T = TypeVar("T")
THREADS = 10


def at_once(act: Callable[[int], T], count: int = THREADS) -> list[T]:
    """What `act` gave in each of `count` threads that began together, each on a connection to the
    database of its own."""
    gate = threading.Barrier(count)

    def one(number: int) -> T:
        try:
            gate.wait(20)
            return act(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(one, range(count)))


@contextlib.contextmanager
def held_elsewhere(lock: threading.Lock) -> Iterator[None]:
    """By another thread."""
    held, over = threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            held.set()
            over.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(20)
    try:
        yield
    finally:
        over.set()
        thread.join()
