"""Starts the stack in order, keeps it going, ends it."""

import os
import signal
import threading
import time
from collections.abc import Callable

from mt5monitor.pulse import QUEUES
from mt5monitor.stack import fleet, pages, programs, valkey
from mt5monitor.stack.child import Program
from mt5monitor.stack.children import Children
from mt5monitor.stack.environment import Environment, Site
from mt5monitor.stack.guard import Guard
from mt5monitor.stack.output import complain, say
from mt5monitor.stack.pulses import SILENT_AFTER_S, Pulses
from mt5monitor.stack.refused import Refused

TICK_S = 0.1
PREPARED_S = 900.0
PAGES_S = 90.0
FIGURES_S = 90.0


class Stopped(Exception):
    """Somebody asked the stack to end; the text says who."""


class Supervisor:
    """`parent` is the process that it ends with, such as make; 0 when it lives on its own."""

    def __init__(
        self, environment: Environment, site: Site, lock: int, *, demo: bool, parent: int = 0
    ) -> None:
        self.environment, self.site, self.demo, self.parent = environment, site, demo, parent
        self.guard = Guard(lock)
        self.children = Children(environment.log_dir, self.guard)
        self.pulses = Pulses(site.redis_url)
        self._stop = threading.Event()
        self._why = ""
        self._nobody = False

    def run(self) -> None:
        """Returns when asked to end, with all ended. Raises Refused when it cannot go on."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._asked_to_end)
        try:
            self.guard.start()
            say(f"Starting; logs are in {self.environment.log_dir}")
            self._start()
            self._say_ready()
            while True:
                self._tend()
                self._wake_the_silent()
        except Stopped as why:
            complain(f"{why} Ending.")
        finally:
            self.children.end()
            self.guard.dismiss()

    def _asked_to_end(self, number: int, _frame: object) -> None:
        # Only noted here: a handler that raises could do so between a start and its bookkeeping.
        name = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
        self._why = self._why or f"Stopped by {name}."
        self._stop.set()

    # --- start ----------------------------------------------------------------------------------
    def _start(self) -> None:
        started_at = time.time()
        if self.site.own_valkey:
            self.children.start(valkey.program(self.site.valkey_socket, self.environment.state_dir))
        if not self._wait(lambda: valkey.answers(self.site.redis_url), valkey.READY_S):
            raise Refused(f"No Redis or Valkey answers at {self.site.shown_redis_url}.")
        if self.demo:
            planned = fleet.plan_fleet(self.environment)
            environment = self.environment
            program = fleet.program(planned, environment.seed, environment.state_dir)
            self.children.start(program)
        self._nobody = self._run_once(programs.prepare(demo=self.demo), PREPARED_S) != 0
        for queue in QUEUES:
            self.children.start(programs.worker(queue))
        self.children.start(programs.beat(self.environment))
        self.children.start(programs.web(self.environment, self.site))
        if self.demo:
            self._run_once(programs.dress(started_at), FIGURES_S)
        if not self._wait(lambda: pages.answer(self.environment), PAGES_S):
            raise Refused(
                f"No page answered within {PAGES_S:.0f} s; see {self.environment.log_dir}."
            )

    def _run_once(self, program: Program, seconds: float) -> int:
        """The exit code of a program that ends by itself. Raises Refused when it fails."""
        child = self.children.start(program)
        ended = self._wait(lambda: child.code() is not None, seconds, once=child.name)
        code = child.code()
        child.output.finish()
        if not ended or code not in (0, programs.NOBODY_CAN_SIGN_IN):
            how = child.how_it_ended() if ended else f"did not end within {seconds:.0f} s"
            raise Refused(f"{child.name} {how}. {child.last_words()}")
        self.children.drop(child)
        return code

    def _say_ready(self) -> None:
        if self._nobody:
            say(f"No user yet. Make one: {self.environment.manage('createsuperuser')}")
        ready = f"Ready: {self.site.public_url.rstrip('/')}/"
        if self.demo:
            password = (self.environment.state_dir / "demo_password").read_text().strip()
            ready += f"  user: demo  password: {password}"
        say(ready)

    # --- watch ----------------------------------------------------------------------------------
    def _wait(self, condition: Callable[[], bool], seconds: float, once: str = "") -> bool:
        """Whether `condition` came true in time; tends the others meanwhile. Raises Stopped."""
        give_up = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > give_up:
                return False
            self._tend(once)
        return True

    def _tend(self, once: str = "") -> None:
        if self._stop.wait(TICK_S):
            raise Stopped(self._why)
        if self.parent and os.getppid() != self.parent:
            raise Stopped("The process that started this was killed.")
        if self.children.tend(once):
            self.pulses.reset(time.monotonic())

    def _wake_the_silent(self) -> None:
        """A worker may be alive and do nothing; then it is killed, and comes back."""
        silent = self.pulses.silent(time.monotonic())
        for queue in silent:
            name = programs.WORKERS[queue][0]
            complain(f"{name}: has done nothing for {SILENT_AFTER_S:.0f} s")
            self.children.restart(name)
        if len(silent) == len(QUEUES):
            complain("beat: may be what has stopped")
            self.children.restart("beat")
