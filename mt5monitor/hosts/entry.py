"""What every long-running process does before it begins, and each minute from then on.

Not for commands such as migrate and collectstatic, which are what makes a host fit.
"""

import logging
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import django
import redis
from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection

from mt5monitor import expired
from mt5monitor.hosts.unfit import Unfit
from mt5monitor.text import first_line
from mt5monitor.valkey import connect

log = logging.getLogger(__name__)

EVERY_S = 60.0
DATABASE_STARTS_S = 30.0  # both may have been started at the same moment
LOOK_AGAIN_S = 1.0
WRITABLE = "Make it writable, on a disk that is not full."

_state: dict[str, Any] = {"clock_ahead_s": None, "problem": ""}
_watching = threading.Lock()


def begin(*, pages: bool = False) -> None:
    """Check this host, and keep checking it; `pages`: it serves them. End the process, with one
    sentence, when it cannot take part."""
    if not settings.CHECKED_AT_START:
        return
    try:
        run(pages=pages)
    except Unfit as error:
        # Celery has replaced sys.stderr by its log by then, which prints nothing any more.
        (sys.__stderr__ or sys.stderr).write(f"{error}\n")
        sys.exit(1)
    if _watching.acquire(blocking=False):
        threading.Thread(target=_watch, name="host", daemon=True).start()


def counts() -> dict[str, Any]:
    """Return what was found last: `clock_ahead_s`, None with SQLite, and `problem`, in words."""
    return dict(_state)


def run(*, pages: bool = False) -> None:
    """Check this host once. Raise Unfit."""
    django.setup()
    # On a thread of its own: a server may import its application while its event loop runs.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(_check, pages).result()


def _check(pages: bool) -> None:
    try:
        _with_database(pages)
    except TimeoutError as error:
        raise Unfit(f"Cannot use {error.filename}: {error.strerror}. End that one.") from error
    except OSError as error:
        name = error.filename or settings.STATE_DIR
        raise Unfit(f"Cannot use {name}: {error.strerror}. {WRITABLE}") from error
    finally:
        connection.close()


def check_fit() -> None:
    """Check clock and keys, and write nothing: for whatever prepares the start of all others. Raise
    Unfit and django.db.Error."""
    from mt5monitor.hosts import clock, keys, watch  # with models, which are there by now

    clock.check()
    keys.check(watch.host())


def _with_database(pages: bool) -> None:
    from mt5monitor.hosts import clock, collected, watch

    if pages:
        collected.check()
    await_database()
    try:
        _note(clock.check())
        watch.attend(started=True)
    except (DatabaseError, InterfaceError) as error:
        raise Unfit(unusable(error)) from error


def unusable(error: Exception) -> str:
    """Return the sentence for an error of the database; whoever lacks tables reads what to run."""
    why = f"The database cannot be used: {_reason(error)}."
    return f"{why} Run `manage.py migrate` first." if _lacks_tables() else why


def _lacks_tables() -> bool:
    from mt5monitor.hosts.models import Host

    try:
        return Host._meta.db_table not in connection.introspection.table_names()
    except (DatabaseError, InterfaceError):
        return False


def await_database() -> None:
    """Wait until a server can be connected to. Raise Unfit after DATABASE_STARTS_S, for a file at
    once."""
    give_up = time.monotonic() + (DATABASE_STARTS_S if connection.vendor == "postgresql" else 0)
    while True:
        try:
            connection.ensure_connection()
            return
        except (OperationalError, InterfaceError) as error:
            if time.monotonic() > give_up:
                raise Unfit(f"The database does not answer: {_reason(error)}.") from error
            log.warning("The database does not answer yet: %s", _reason(error))
            time.sleep(LOOK_AGAIN_S)


def _reason(error: Exception) -> str:
    """For use within a sentence."""
    return first_line(error).rstrip(".")


def _watch() -> None:
    pause = threading.Event()
    while not pause.wait(EVERY_S):
        try:
            look()
        except (DatabaseError, InterfaceError, OSError) as error:
            log.warning("This host could not be checked: %s", _reason(error))
        except Exception:
            log.exception("This host could not be checked")
        finally:
            connection.close()


def look() -> None:
    """Check again, as each minute: what has changed is logged, and shown by `counts`."""
    from mt5monitor.hosts import clock, keys, watch

    found = clock.difference()
    _note(found)
    _count_expired(f"{found}" if found is not None and found.is_off else "")
    watch.attend()
    problem = f"{found}: set it by NTP." if found is not None and found.is_off else ""
    problem = problem or keys.refusal(keys.own(), watch.host())
    if problem:
        log.error("%s", problem)
    _state["problem"] = problem


def _count_expired(because: str) -> None:
    """Also where no task does it: a worker whose clock is ahead discards them all."""
    expired.summarise(because=because)
    with suppress(redis.RedisError), connect(settings.REDIS_URL) as valkey:
        expired.write(valkey)


def _note(found: Any) -> None:
    _state["clock_ahead_s"] = None if found is None else round(found.ahead_s, 3)
