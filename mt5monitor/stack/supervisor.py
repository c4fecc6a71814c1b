"""Starts the stack in order, keeps it going, ends it."""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable

from django.conf import settings

from mt5monitor.operations.keeping import Keeping
from mt5monitor.pulse import QUEUES
from mt5monitor.stack import fleet, pages, programs, valkey
from mt5monitor.stack.child import Child, Program, how_it_ended
from mt5monitor.stack.children import SHORT_OF_ROOM, Children
from mt5monitor.stack.environment import Environment, Site, check_port
from mt5monitor.stack.guard import Guard
from mt5monitor.stack.output import complain, log, report, say
from mt5monitor.stack.pulses import SILENT_AFTER_S, Pulses
from mt5monitor.stack.refused import Refused

TICK_S = 0.1
PREPARED_S = 900.0
PAGES_S = 90.0
PAGES_EVERY_S = 10.0
FIGURES_S = 90.0

VALKEY = "valkey"
ZONE = "TZ"
QUEUE_OF = {name: queue for queue, (name, _) in programs.WORKERS.items()}


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
        self._ready, self._look_at = False, 0.0
        self._stop = threading.Event()
        self._why = ""
        self._nobody = False

    def run(self) -> None:
        """Returns when asked to end, with all ended. Raises Refused when it cannot go on."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._asked_to_end)
        try:
            self.guard.start()
            self._keep_log()
            say(f"Starting; logs are in {self.environment.log_dir}")
            self._start()
            while True:
                self._tend()
                self._wake_the_silent()
                self._announce()
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

    def _keep_log(self) -> None:
        """For staff, who read the operations log; the screen has each line already."""
        _load_django_settings()
        log.propagate = False
        log.addHandler(Keeping() if self.site.keeps_log else logging.NullHandler())

    # --- start ----------------------------------------------------------------------------------
    def _start(self) -> None:
        started_at = time.time()
        self._start_valkey()
        if self.demo:
            planned = fleet.plan_fleet(self.environment)
            environment = self.environment
            program = fleet.program(planned, environment.seed, environment.state_dir)
            self.children.start(program)
        self._nobody = self._run_once(programs.prepare(demo=self.demo), PREPARED_S) != 0
        for program in programs.serving(self.environment, self.site):
            self.children.start(program)
        # Their time begins now: the migrations may have taken longer than any may be silent.
        self.pulses.reset(time.monotonic())
        if self.demo:
            self._dress(started_at)
        if not self._wait(lambda: pages.answer(self.environment), PAGES_S):
            self._complain_of_pages()

    def _start_valkey(self) -> None:
        own = None
        if self.site.own_valkey:
            program = valkey.program(self.site.valkey_socket, self.environment.state_dir)
            own = self.children.start(program)
        if not self._wait(lambda: valkey.answers(self.site.redis_url), valkey.READY_S):
            why = f" {own.last_words()}" if own else ""
            raise Refused(f"No Redis or Valkey answers at {self.site.shown_redis_url}.{why}")

    def _dress(self, since: float) -> None:
        """Without it the demo has no phases and no VS groups, and is a demo still."""
        try:
            self._run_once(programs.dress(since), FIGURES_S)
        except Refused as error:
            complain(f"{error}")

    def _complain_of_pages(self) -> None:
        """The others go on: orders are reconciled without pages. Raises Refused for a port that
        another program took."""
        if not self.children.is_running("web"):
            check_port(self.environment.bind, self.environment.port)
        where = f"see {self.environment.log_dir / 'web.log'}"
        report(f"web: no page answers after {PAGES_S:.0f} s, the other processes run; {where}")

    def _run_once(self, program: Program, seconds: float) -> int:
        """The exit code of a program that ends by itself. Raises Refused when it fails."""
        try:
            child = self.children.start_once(program)
        except (OSError, RuntimeError) as error:
            raise Refused(
                f"{program.name} could not be started ({error}). {SHORT_OF_ROOM}"
            ) from error
        self._wait(lambda: child.code() is not None, seconds, once=child.name)
        code, why = child.code(), _why(child, seconds)
        self.children.drop(child)
        if code not in (0, programs.NOBODY_CAN_SIGN_IN):
            raise Refused(why)
        return code

    def _announce(self) -> None:
        """Say once that pages answer; those of a web process that fails at first answer later."""
        now = time.monotonic()
        if self._ready or now < self._look_at:
            return
        self._look_at = now + PAGES_EVERY_S
        if pages.answer(self.environment):
            self._ready = True
            self._say_ready()

    def _say_ready(self) -> None:
        if self._nobody:
            say(self.environment.no_user_yet())
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
        for name in self.children.tend(once):
            # One that fails all the time must not keep the others from being watched.
            if name in (VALKEY, "beat"):
                self.pulses.reset(time.monotonic())
            elif name in QUEUE_OF:
                self.pulses.reset(time.monotonic(), [QUEUE_OF[name]])

    def _wake_the_silent(self) -> None:
        """A worker may be alive and do nothing; then it is killed, and comes back."""
        silent = self.pulses.silent(time.monotonic())
        for queue in silent:
            name = programs.WORKERS[queue][0]
            report(f"{name}: has done nothing for {SILENT_AFTER_S:.0f} s")
            self.children.restart(name)
        if len(silent) == len(QUEUES):
            report("beat: may be what has stopped")
            self.children.restart("beat")


def _load_django_settings() -> None:
    """The operations log needs them. Django sets the time zone of its process by them, which those
    that are started from here must not inherit."""
    zone = os.environ.get(ZONE)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mt5monitor.settings")
    _ = settings.SECRET_KEY
    if zone is None:
        os.environ.pop(ZONE, None)
    else:
        os.environ[ZONE] = zone
    time.tzset()


def _why(child: Child, seconds: float) -> str:
    """Why a program that should have ended well within so many seconds did not."""
    child.output.finish()
    code = child.code()
    how = how_it_ended(code) if code is not None else f"did not end within {seconds:.0f} s"
    return f"{child.name} {how}. {child.last_words()}"
