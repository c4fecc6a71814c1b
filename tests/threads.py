"""Threads that do the same at the same moment, each with a database connection of its own."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connections

T = TypeVar("T")
THREADS = 10


def at_once(act: Callable[[int], T], count: int = THREADS) -> list[T]:
    """What `act` gave in each of `count` threads that began together."""
    gate = threading.Barrier(count)

    def one(number: int) -> T:
        try:
            gate.wait(20)
            return act(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(one, range(count)))
