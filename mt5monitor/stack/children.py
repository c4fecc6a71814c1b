"""All processes of the stack: what dies is started again, and the end has an order and a bound."""

import signal
import time
from pathlib import Path

from mt5monitor.stack.child import DEATHS_ALLOWED, DEATHS_WITHIN_S, Child, Program
from mt5monitor.stack.guard import Guard
from mt5monitor.stack.output import complain
from mt5monitor.stack.refused import Refused

# Seconds that each stage has to end by itself, the highest first; then it is killed.
PATIENCE_S = {3: 0.5, 2: 2.0, 1: 0.3, 0: 0.7}


class Children:
    def __init__(self, log_dir: Path, guard: Guard) -> None:
        self.log_dir, self.guard = log_dir, guard
        self._all: dict[str, Child] = {}

    def start(self, program: Program) -> Child:
        child = Child(program, self.log_dir, self.guard)
        self._all[program.name] = child
        child.start()
        return child

    def restart(self, name: str) -> None:
        """Kill it; tend() brings it back."""
        self._all[name].send(signal.SIGKILL)

    def drop(self, child: Child) -> None:
        """One that has done its work and is not to come back."""
        del self._all[child.name]
        child.buried()

    def tend(self, once: str = "") -> list[str]:
        """Restart what has died, other than `once`, which ends by itself; names those started.

        Raises Refused for a process that dies again and again.
        """
        if not self.guard.is_running():
            complain("guard: it was killed; started again")
            self.guard.start()
        now = time.monotonic()
        started = []
        for child in list(self._all.values()):
            if child.name == once:
                continue
            if child.code() is not None:
                self._bury(child, now)
            if child.restart_at is not None and child.restart_at <= now:
                child.start()
                started.append(child.name)
        return started

    def _bury(self, child: Child, now: float) -> None:
        how = child.how_it_ended()
        child.buried()
        if not child.plan_restart(now):
            times = f"{DEATHS_ALLOWED} times within {DEATHS_WITHIN_S:.0f} s"
            raise Refused(f"{child.name} {how}, {times}. {child.last_words()}")
        complain(f"{child.name}: {how}; starting it again")

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
