"""All processes of the stack: what dies is started again, and the end has an order and a bound."""

import signal
import time
from pathlib import Path

from mt5monitor.stack.child import MOST_WAIT_S, STEADY_S, Child, Program, how_it_ended
from mt5monitor.stack.guard import Guard
from mt5monitor.stack.output import complain, report

# Seconds that each stage has to end by itself, the highest first; then it is killed.
PATIENCE_S = {3: 0.5, 2: 2.0, 1: 0.3, 0: 0.7}
GUARD_EVERY_S = 5.0  # between two starts of the guard
SAID_EVERY_S = 600.0  # of one program that fails all the time, a line in so many seconds
SHORT_OF_ROOM = "Check that its file is there, and the memory and process limits of this machine."


class Children:
    """No program that fails stops the others, however often it does."""

    def __init__(self, log_dir: Path, guard: Guard) -> None:
        self.log_dir, self.guard = log_dir, guard
        self._all: dict[str, Child] = {}
        self._guard_at = 0.0

    def start(self, program: Program) -> Child:
        child = Child(program, self.log_dir, self.guard)
        self._all[program.name] = child
        self._launch(child)
        return child

    def start_once(self, program: Program) -> Child:
        """Raises OSError or RuntimeError where Children.start() would try again."""
        child = Child(program, self.log_dir, self.guard)
        child.start()
        self._all[program.name] = child
        return child

    def is_running(self, name: str) -> bool:
        return name in self._all and self._all[name].is_running()

    def restart(self, name: str) -> None:
        """Kill it; tend() brings it back."""
        self._all[name].send(signal.SIGKILL)

    def drop(self, child: Child) -> None:
        """One that has done its work and is not to come back."""
        del self._all[child.name]
        child.buried()

    def tend(self, once: str = "") -> list[str]:
        """Restart what has died, other than `once`, which ends by itself; names those started."""
        now = time.monotonic()
        self._tend_guard(now)
        started = []
        for child in list(self._all.values()):
            if child.name == once:
                continue
            if child.code() is not None:
                self._bury(child, now)
            elif child.is_well_again(now):
                child.deaths, child.said_at = 0, None
                report(f"{child.name}: has run for {STEADY_S:.0f} s again")
            if child.restart_at is not None and child.restart_at <= now and self._launch(child):
                started.append(child.name)
        return started

    def _tend_guard(self, now: float) -> None:
        if self.guard.is_running() or now < self._guard_at:
            return
        self._guard_at = now + GUARD_EVERY_S
        complain("guard: it was killed; started again")
        try:
            self.guard.start()
        except OSError as error:
            complain(f"guard: could not be started: {error.strerror}")

    def _launch(self, child: Child) -> bool:
        """Whether it was started: the machine may have no memory or no processes left for it."""
        try:
            child.start()
        except (OSError, RuntimeError) as error:
            child.buried()
            how = f"could not be started ({error})"
            self._plan_restart(child, how, SHORT_OF_ROOM, time.monotonic())
            return False
        return True

    def _bury(self, child: Child, now: float) -> None:
        code = child.code()
        child.buried()
        self._plan_restart(child, how_it_ended(code), child.where_to_look(code), now)

    def _plan_restart(self, child: Child, how: str, where: str, now: float) -> None:
        wait = child.plan_restart(now)
        if not child.is_failing():
            report(f"{child.name}: {how}; starting it again")
        elif child.said_at is None or now - child.said_at >= SAID_EVERY_S:
            child.said_at = now
            again = f"starting it again in {wait:.0f} s, later every {MOST_WAIT_S:.0f} s"
            report(f"{child.name}: {how}, {child.deaths} times in a row; {again}. {where}")

    def end(self) -> None:
        """End all, stage by stage, within the sum of PATIENCE_S and a moment."""
        for stage, patience in PATIENCE_S.items():
            group = [child for child in self._all.values() if child.program.stage == stage]
            for child in group:
                child.send(signal.SIGTERM)
            give_up = time.monotonic() + patience
            while any(child.is_running() for child in group) and time.monotonic() < give_up:
                time.sleep(0.02)
            for child in group:
                child.send(signal.SIGKILL)
            for child in group:
                child.reap()
                child.buried()
        self._all.clear()
