"""The real stack, started as a person starts it, and what runs in it."""

import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import psutil

from tests.run import OURS

READY_S = 90.0
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
    "web": "daphne",
    "fleet": "agent.fleet",
    "guard": "stack.guard",
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def command(what: str, state_dir: Path, port: int, **settings: str) -> "subprocess.Popen[str]":
    """`python -m mt5monitor.stack`, without what the tests themselves were given."""
    env = {key: value for key, value in os.environ.items() if key not in (*OURS, "DATABASE_URL")}
    env |= {"STATE_DIR": str(state_dir), "PORT": str(port), **settings}
    env.pop("DJANGO_SETTINGS_MODULE", None)
    return subprocess.Popen(
        [sys.executable, "-m", "mt5monitor.stack", what],
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
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
    def __init__(self, state_dir: Path, **settings: str) -> None:
        self.state_dir = state_dir
        self.port = free_port()
        self.lines: list[str] = []
        self.command = lambda: command("demo", state_dir, self.port, **FEW_AND_OFTEN | settings)

    def start(self) -> str:
        """The Ready line."""
        self._ready: queue.Queue[str] = queue.Queue()
        self.process = self.command()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        line = self._ready.get(timeout=READY_S)
        assert line, "".join(self.lines)
        return line

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

    def end(self, number: signal.Signals) -> list[psutil.Process]:
        """Sends the signal to the supervisor; returns what still runs some time later."""
        processes = list(self.processes().values())
        self.process.send_signal(number)
        _, left = psutil.wait_procs(processes, timeout=20)
        self.process.wait(20)
        self._reader.join(5)
        return left

    def says(self, text: str) -> bool:
        return any(text in line for line in self.lines)
