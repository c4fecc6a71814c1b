"""The lines of the Procfile, run by a shell as programs such as honcho and Heroku run them."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil

from tests.stack.stack import READY_S, ROOT, environment

LINES = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
SERVING = ("web", "worker", "worker-unreachable", "beat")


class Line:
    """A process of the Procfile, started by a user whose files all may read and write."""

    def __init__(self, name: str, state_dir: Path, **settings: str) -> None:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.state_dir, self.output = state_dir, list[str]()
        self.process = subprocess.Popen(
            ["sh", "-c", f"umask 000; exec {LINES[name]}"],
            cwd=ROOT,
            env=environment(state_dir) | {"PATH": path, **settings},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as screen:
            for line in screen:
                self.output.append(line)

    def says(self, text: str) -> bool:
        return any(text in line for line in self.output)

    def command_lines(self) -> list[list[str]]:
        """Of all that runs below the shell, or in its place."""
        try:
            shell = psutil.Process(self.process.pid)
            return [process.cmdline() for process in [shell, *shell.children(recursive=True)]]
        except psutil.NoSuchProcess:
            return []

    def ended(self) -> int:
        """The exit code of one that ends by itself; its output is complete then."""
        code = self.process.wait(READY_S)
        self._reader.join(20)
        return code

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """The exit code after a signal to all of it."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, number)
        return self.ended()
