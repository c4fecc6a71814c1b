"""The real stack, started as a person starts it, and what runs in it."""

import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import psutil

from tests import prepared

ROOT = Path(__file__).resolve().parent.parent.parent
READY_S = 150.0
# Agents that are polled so often that a test sees it soon.
FEW_AND_OFTEN = {"ACCOUNTS": "4"} | {
    f"POLL_{urgency}_S": "1" for urgency in ("CRITICAL", "ACTIVE", "STANDARD", "INACTIVE", "IDLE")
}
# What tells each process from the others in its command line.
NAMES = {
    "valkey": "valkey-server",
    "worker": "-n worker@",
    "worker-unreachable": "-n worker-unreachable@",
    "beat": " beat ",
    "web": "mt5monitor.web",
    "fleet": "agent.fleet",
    "guard": "stack.guard",
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(state_dir: Path) -> dict[str, str]:
    """Without what the tests themselves were given."""
    dropped = {
        *prepared.OURS,
        "DJANGO_SETTINGS_MODULE",
        "DATABASE_URL",
        "VIRTUAL_ENV",
        "MFA_REQUIRED",
    }
    kept = {key: value for key, value in os.environ.items() if key not in dropped}
    return kept | {"STATE_DIR": str(state_dir)}


def command(what: str, state_dir: Path, port: int, **settings: str) -> "subprocess.Popen[str]":
    """`python -m mt5monitor.stack`."""
    return subprocess.Popen(
        [sys.executable, "-m", "mt5monitor.stack", what],
        env=environment(state_dir) | {"PORT": str(port), **settings},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def make(target: str, state_dir: Path, **settings: str) -> "subprocess.Popen[str]":
    """With this interpreter's own environment as VENV, which has all that it would install; the
    leader of a group, as at a terminal."""
    given = [f"{name}={value}" for name, value in {"VENV": sys.prefix, **settings}.items()]
    return subprocess.Popen(
        ["make", "--no-print-directory", target, *given],
        cwd=ROOT,
        env=environment(state_dir),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def refusal(state_dir: Path, port: int, what: str = "demo", **settings: str) -> tuple[str, int]:
    """All that a stack which does not start prints, and its exit code."""
    process = command(what, state_dir, port, **settings)
    try:
        output, _ = process.communicate(timeout=READY_S)
    finally:
        process.kill()
    return output, process.returncode


class Stack:
    def __init__(self, state_dir: Path, on_empty_folder: bool = False, **settings: str) -> None:
        """A folder that is not to be left empty is one where a stack has been before, where this
        run has prepared one."""
        if not on_empty_folder:
            prepared.put_all(state_dir)
        self.state_dir = state_dir
        self.port = free_port()
        self.lines: list[str] = []
        self.settings = FEW_AND_OFTEN | settings

    def start(self) -> str:
        """The Ready line."""
        self.begin()
        return self._awaited()

    def make(self) -> str:
        """The Ready line of `make demo`."""
        settings = {"PORT": str(self.port), "STATE_DIR": str(self.state_dir), **self.settings}
        self._follow(make("demo", self.state_dir, **settings))
        return self._awaited()

    def begin(self) -> None:
        """Starts it, and waits for nothing."""
        self._follow(command("demo", self.state_dir, self.port, **self.settings))

    def _follow(self, process: "subprocess.Popen[str]") -> None:
        self._ready: queue.Queue[str] = queue.Queue()
        self.process = process
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _awaited(self) -> str:
        self.ready = self._ready.get(timeout=READY_S)
        assert self.ready, "".join(self.lines)
        return self.ready

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as screen:
            for line in screen:
                self.lines.append(line)
                if line.startswith("Ready: "):
                    self._ready.put(line.strip())
        self._ready.put("")

    def processes(self) -> dict[str, psutil.Process]:
        """Everything that runs below the supervisor, by name."""
        found = {}
        for child in psutil.Process(self.process.pid).children(recursive=True):
            try:
                line = " ".join(child.cmdline())
            except psutil.Error:
                continue
            for name, part in NAMES.items():
                if part in line:
                    found[name] = child
        return found

    def all_run(self) -> bool:
        return set(self.processes()) == set(NAMES)

    def discard(self) -> None:
        """Whatever a failed test left: the guard ends the rest."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._reader.join(20)

    def interrupt(self) -> list[psutil.Process]:
        """As Ctrl-C does at a terminal; returns what of `make` still runs some time later."""
        return self._ended(lambda: os.killpg(self.process.pid, signal.SIGINT))

    def end(self, number: signal.Signals) -> list[psutil.Process]:
        """Sends the signal to the supervisor; returns what still runs some time later."""
        return self._ended(lambda: self.process.send_signal(number))

    def _ended(self, send: Callable[[], None]) -> list[psutil.Process]:
        processes = psutil.Process(self.process.pid).children(recursive=True)
        send()
        _, left = psutil.wait_procs(processes, timeout=20)
        self.process.wait(20)
        self._reader.join(5)
        return left

    def says(self, text: str, after: int = 0) -> bool:
        """In the lines after so many."""
        return any(text in line for line in self.lines[after:])
