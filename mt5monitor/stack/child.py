"""One process of the stack: started, watched, ended."""

import contextlib
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mt5monitor.stack.environment import BASE_DIR
from mt5monitor.stack.guard import Guard
from mt5monitor.stack.output import Output

STEADY_S = 60.0  # one that ran for so long is well: its deaths are counted from one again
FIRST_WAIT_S = 0.5
MOST_WAIT_S = 30.0
DOUBLINGS = 10  # after which any wait is the longest
MANY_DEATHS = 5  # in a row: no accident any more
KILLED = (
    "Look in the system's log for the reason, such as too little memory (journalctl -k), "
    "and start again."
)


@dataclass(frozen=True, slots=True)
class Program:
    """What to start. `stage` orders the end: higher ones end first."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    stage: int = 1

    def environ(self) -> dict[str, str]:
        """Return the environment that it runs in, under a supervisor or alone."""
        return {**os.environ, **self.env, "PYTHONUNBUFFERED": "1"}


class Child:
    """Runs a program in a session of its own, so that Ctrl-C reaches the supervisor alone."""

    def __init__(self, program: Program, log_dir: Path, guard: Guard) -> None:
        self.program, self.guard = program, guard
        self.output = Output(program.name, log_dir / f"{program.name}.log")
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0
        self.restart_at: float | None = None
        self.deaths = 0  # in a row, none of which came after STEADY_S
        self.said_at: float | None = None  # when it was last said that it is failing

    @property
    def name(self) -> str:
        return self.program.name

    def start(self) -> None:
        """Raises OSError or RuntimeError when the machine has no room for one more process."""
        self.restart_at = None
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(  # noqa: S603
            self.program.argv,
            cwd=BASE_DIR,
            env=self.program.environ(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
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

    def plan_restart(self, now: float) -> float:
        """Return the seconds until its next start: longer after each start that did not last."""
        self.deaths = 1 if now - self.started_at >= STEADY_S else self.deaths + 1
        wait = min(FIRST_WAIT_S * 2.0 ** min(self.deaths - 1, DOUBLINGS), MOST_WAIT_S)
        self.restart_at = now + wait
        return wait

    def is_failing(self) -> bool:
        return self.deaths >= MANY_DEATHS

    def is_well_again(self, now: float) -> bool:
        """Whether it was failing, and has now run for long enough."""
        return self.is_failing() and self.is_running() and now - self.started_at >= STEADY_S

    def last_words(self) -> str:
        """The end of its output and where the rest is, or how to find out why there is none."""
        if not self.output.tail:
            return self.where_to_look(self.code())
        lines = "".join(f"\n    {line}" for line in self.output.tail)
        return f"Its last lines, of {self.output.path}:{lines}"

    def where_to_look(self, code: int | None) -> str:
        """Where to find why it ended with this code of subprocess: its log, if there is anything in
        it."""
        if self.output.tail:
            return f"See {self.output.path}"
        if code is not None and code < 0:
            return f"It printed nothing. {KILLED}"
        folder = f"STATE_DIR={os.environ.get('STATE_DIR', '')}"
        command = shlex.join(["env", folder, *self.program.argv])
        return f"It printed nothing. Run it by itself to see more: cd {BASE_DIR} && {command}"


def how_it_ended(code: int | None) -> str:
    """Such as `was killed by SIGKILL` or `ended with code 1`, for a code of subprocess."""
    if code is None:
        return "runs"
    if code >= 0:
        return f"ended with code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
