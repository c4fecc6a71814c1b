"""One process of the stack: started, watched, ended."""

import contextlib
import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mt5monitor.stack.environment import BASE_DIR
from mt5monitor.stack.guard import Guard
from mt5monitor.stack.output import Output

DEATHS_ALLOWED = 5
DEATHS_WITHIN_S = 60.0
FIRST_WAIT_S = 0.5
MOST_WAIT_S = 10.0


@dataclass(frozen=True, slots=True)
class Program:
    """What to start. `stage` orders the end: higher ones end first."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    stage: int = 1


class Child:
    """Runs a program in a session of its own, so that Ctrl-C reaches the supervisor alone."""

    def __init__(self, program: Program, log_dir: Path, guard: Guard) -> None:
        self.program, self.guard = program, guard
        self.output = Output(program.name, log_dir / f"{program.name}.log")
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0
        self.restart_at: float | None = None
        self._deaths: deque[float] = deque(maxlen=DEATHS_ALLOWED)

    @property
    def name(self) -> str:
        return self.program.name

    def start(self) -> None:
        self.restart_at = None
        self.process = subprocess.Popen(  # noqa: S603
            self.program.argv,
            cwd=BASE_DIR,
            env={**os.environ, **self.program.env, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.started_at = time.monotonic()
        self.guard.watch(self.process.pid)
        if self.process.stdout is not None:
            self.output.follow(self.process.stdout)

    def code(self) -> int | None:
        """How it ended, as subprocess tells it; None while it runs or was never started."""
        return self.process.poll() if self.process else None

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def reap(self) -> None:
        """Collect a process that was killed; the kernel may need a moment."""
        if self.process is not None:
            # One that is stuck in the kernel cannot be ended sooner by anybody.
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(1)

    def buried(self) -> None:
        """Forget a process that has ended, after ending what it may have left in its group."""
        if self.process is not None:
            self.send(signal.SIGKILL)
            self.guard.forget(self.process.pid)
            self.output.finish()
            self.process = None

    def send(self, number: signal.Signals) -> None:
        if self.process is None:
            return
        # Gone already, or, says macOS with EPERM, only zombies are left.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)

    def plan_restart(self, now: float) -> bool:
        """Whether it may be started once more; False when it dies again and again."""
        self._deaths.append(now)
        if len(self._deaths) == DEATHS_ALLOWED and now - self._deaths[0] < DEATHS_WITHIN_S:
            return False
        recent = sum(now - death < DEATHS_WITHIN_S for death in self._deaths)
        self.restart_at = now + min(FIRST_WAIT_S * 2 ** (recent - 1), MOST_WAIT_S)
        return True

    def last_words(self) -> str:
        """The end of its output, for the screen, and where the rest is."""
        lines = "".join(f"\n    {line}" for line in self.output.tail)
        return f"Its last lines, of {self.output.path}:{lines}" if lines else "It said nothing."

    def how_it_ended(self) -> str:
        """Such as `was killed by SIGKILL` or `ended with code 1`."""
        code = self.code()
        if code is None:
            return "runs"
        if code >= 0:
            return f"ended with code {code}"
        try:
            return f"was killed by {signal.Signals(-code).name}"
        except ValueError:
            return f"was killed by signal {-code}"
