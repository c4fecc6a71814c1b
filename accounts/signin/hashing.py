"""Passwords are hashed a few at a time: a hash is slow by design, and a flood of sign-ins must not
take the processor from the desk.

The bound is around the hasher itself, so it holds for every password that is checked or set in a
process, and for the hash of nothing that hides whether a name exists. People on a device or
network that they signed in from before have a lane of their own, which a flood does not fill.
"""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from functools import cache

from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher

WAIT_S = 5.0  # for a turn
WAITING = 8  # requests that wait for each hash at once: each holds a thread
BUSY = "Too many people are signing in at this moment. Try again in a few seconds."
_in_known_lane: ContextVar[bool] = ContextVar("in_known_lane", default=False)


class Unavailable(Exception):
    """Nothing was checked, and it can be tried again."""

    status = 503


class Busy(Unavailable):
    status = 429  # anybody can bring this about: a line of the log for each would fill it

    def __init__(self) -> None:
        super().__init__(BUSY)


class Lane:
    """Lets `at_once` through at a time; a bounded number wait their turn."""

    def __init__(self, at_once: int) -> None:
        self._turns = threading.BoundedSemaphore(at_once)
        self._places = threading.BoundedSemaphore(at_once * (1 + WAITING))

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Raises Busy when too many wait already, or the turn does not come in time."""
        if not self._places.acquire(blocking=False):
            raise Busy
        try:
            if not self._turns.acquire(timeout=WAIT_S):
                raise Busy
            try:
                yield
            finally:
                self._turns.release()
        finally:
            self._places.release()


@cache
def _lane(known: bool, at_once: int) -> Lane:
    return Lane(at_once)


def turn() -> AbstractContextManager[None]:
    """Return the context in which one hash is made. Raises Busy on entering."""
    known = _in_known_lane.get()
    return _lane(known, 1 if known else settings.PASSWORDS_AT_ONCE).turn()


@contextmanager
def lane(*, known: bool) -> Iterator[None]:
    """Hash what is checked inside in the lane of known devices, or in that of all others."""
    before = _in_known_lane.set(known)
    try:
        yield
    finally:
        _in_known_lane.reset(before)


class BoundedHasher(PBKDF2PasswordHasher):
    """Django's own, a few at a time; stored passwords stay as they are."""

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        with turn():
            return super().encode(password, salt, iterations)
