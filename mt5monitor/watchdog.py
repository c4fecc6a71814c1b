"""Notices from outside that an event loop does not run any more, and ends a process that is lost.

While a loop is blocked nothing in it can say so: no page is answered, the health page included. A
thread asks each loop now and then for a sign. What is blocked for a while is logged with the stack
of its thread; a process that stays so is ended, for it is started again by what started it.
"""

import asyncio
import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable

from django.conf import settings

log = logging.getLogger(__name__)

LOOK_S = 1.0
LOGGED_WITHIN_S = 2.0  # the lock of a handler may be what the loop waits for
ENDED = 70  # the exit code: an error in this program


class Watched:
    """One loop. `blocked_s` counts the seconds for which this process ran and the loop did not."""

    def __init__(self, name: str, loop: asyncio.AbstractEventLoop) -> None:
        self.name, self.loop = name, loop
        self.blocked_s = 0.0
        self.is_reported = False
        self._thread = threading.get_ident() if _is_running(loop) else 0
        self._answered = True

    def look(self, passed_s: float) -> bool:
        """Count, and ask again where the last question was answered. False: it is closed."""
        if not self._answered:
            self.blocked_s += passed_s
            return True
        self.blocked_s, self.is_reported, self._answered = 0.0, False, False
        try:
            self.loop.call_soon_threadsafe(self._answer)
        except RuntimeError:
            return False
        return True

    def _answer(self) -> None:
        self._thread, self._answered = threading.get_ident(), True

    def stack(self) -> str:
        """What the thread of the loop does now; "unknown" while that is not known."""
        frame = sys._current_frames().get(self._thread)
        return "".join(traceback.format_stack(frame)) if frame else "unknown"


class Watchdog:
    """`late_s` and `dead_s` as in settings; `end` ends the process."""

    def __init__(self, late_s: float, dead_s: float, end: Callable[[], None]) -> None:
        self._late_s, self._dead_s, self._end = late_s, dead_s, end
        self._watched: list[Watched] = []

    def watch(self, name: str, loop: asyncio.AbstractEventLoop) -> None:
        self._watched = [*self._watched, Watched(name, loop)]

    def run(self) -> None:
        while True:
            began = time.monotonic()
            time.sleep(LOOK_S)
            # A process that was stopped and goes on had no time to answer either.
            self.look(min(time.monotonic() - began, 2 * LOOK_S))

    def look(self, passed_s: float) -> None:
        """Look at all, `passed_s` seconds after the last time."""
        self._watched = [one for one in self._watched if one.look(passed_s)]
        for one in self._watched:
            if one.blocked_s >= self._dead_s:
                _say("ends, and this process with it", one)
                self._end()
            elif one.blocked_s >= self._late_s and not one.is_reported:
                one.is_reported = True
                _say("is blocked", one)


def _is_running(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether this is called in that loop."""
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False


def _say(what: str, one: Watched) -> None:
    text = "Event loop %s %s: it did not run for %.0f s. Its thread is here:\n%s"
    arguments = (text, one.name, what, one.blocked_s, one.stack())
    saying = threading.Thread(target=log.critical, args=arguments, daemon=True)
    saying.start()
    saying.join(LOGGED_WITHIN_S)


def _end() -> None:
    os._exit(ENDED)  # at once: whatever is blocked would not end in order


_started = threading.Event()


def start(**loops: asyncio.AbstractEventLoop) -> None:
    """Watch these loops of this process from now on. Harmless when it does so already."""
    if _started.is_set() or not settings.LOOP_DEAD_S:
        return
    _started.set()
    watchdog = Watchdog(settings.LOOP_LATE_S, settings.LOOP_DEAD_S, _end)
    for name, loop in loops.items():
        watchdog.watch(name, loop)
    threading.Thread(target=watchdog.run, name="watchdog", daemon=True).start()
