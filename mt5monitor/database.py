"""Going on after the database failed, and work that may keep it busy for longer than others may.

What limits every wait is in postgres.py. When such a limit strikes, the statement or the whole
session is ended; whoever does one item after another goes on with the next on a new connection.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

from django.db import InterfaceError, InternalError, OperationalError, connection, connections

T = TypeVar("T")
# The database is away, busy or has ended a statement or a session. Nothing is wrong with the data,
# and the same may succeed a moment later. PostgreSQL's end of an idle session is an InternalError.
FAULTS = (OperationalError, InterfaceError, InternalError)

LONG_S = 60  # for a lock, and between two statements, where work may take long


def reconnect() -> None:
    """Have this thread connect again for its next statement. Harmless when all is well; inside of a
    transaction nothing is done: whoever began it has to end it first."""
    for one in connections.all(initialized_only=True):
        if not one.in_atomic_block:
            with suppress(*FAULTS):
                one.close()


def words(fault: Exception) -> str:
    """What the database said, in one line for the log."""
    return " ".join(str(fault).split()) or type(fault).__name__


def each(items: Iterable[T], act: Callable[[T], object], log: logging.Logger, failed: str) -> int:
    """Do `act` with every item; return for how many it was true.

    One that fails, whatever the fault, is logged as `failed % item` with its traceback, and costs
    the others nothing: they go on, on a new connection.
    """
    done = 0
    for item in items:
        try:
            done += bool(act(item))
        except Exception:
            # One whole item of work, such as one order.
            log.exception(failed, item)
            reconnect()
    return done


def tick(work: Callable[[], int], log: logging.Logger) -> int:
    """Do the work of one tick. A fault of the database is one line of the log, not a traceback for
    each second that it is away: the next tick does what this one did not."""
    try:
        return work()
    except FAULTS as fault:
        log.warning("This tick failed: %s", words(fault))
        reconnect()
        return 0


@contextmanager
def unhurried() -> Iterator[None]:
    """Let statements of this thread take as long as they need: migrations, imports, pruning.

    A lock is waited for, and a transaction may be idle, for LONG_S. SQLite has no such limits.
    """
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(f"SET lock_timeout = '{LONG_S}s'")
        cursor.execute(f"SET idle_in_transaction_session_timeout = '{LONG_S}s'")
    try:
        yield
    finally:
        _hurry_again()


def _hurry_again() -> None:
    """As the connection was when it was opened. One that failed is not used any more anyway."""
    with suppress(*FAULTS), connection.cursor() as cursor:
        cursor.execute("RESET statement_timeout")
        cursor.execute("RESET lock_timeout")
        cursor.execute("RESET idle_in_transaction_session_timeout")
