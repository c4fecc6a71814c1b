"""A site on this machine, whose processes are started as its Procfile says."""

import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

from mt5monitor.hosts import mark
from tests import prepared
from tests.stack.stack import READY_S, ROOT, environment, free_port
from tests.waiting import eventually

LINES = dict(re.findall(r"^([\w-]+): (.*)$", (ROOT / "Procfile").read_text(), re.M))


class Site:
    """One folder with its database of SQLite, unless `settings` name another."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder, self.settings = folder, settings
        folder.mkdir(exist_ok=True)

    def release(self) -> None:
        """What the Procfile's `release` does; copied, where this run has prepared it."""
        prepared.put_database(self.database)
        self._manage("migrate", "--verbosity", "0")
        if not prepared.put_static(self.folder):
            self._manage("collectstatic", "--noinput", "--verbosity", "0")

    def like(self, released: "Site") -> None:
        shutil.copy2(released.database, self.database)
        shutil.copytree(released.folder / "static", self.folder / "static")

    @property
    def database(self) -> Path:
        return self.folder / prepared.DATABASE

    def _environment(self, **settings: str) -> dict[str, str]:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        own = {"PORT": str(free_port()), "PATH": path, "TRADING_ENABLED": "1"}
        return environment(self.folder) | own | self.settings | settings

    def _manage(self, *command: str) -> None:
        run = [sys.executable, "manage.py", *command]
        subprocess.run(run, cwd=ROOT, env=self._environment(), check=True)

    def process(self, name: str, **settings: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            ["/bin/sh", "-c", f"exec {LINES[name]}"],
            cwd=ROOT,
            env=self._environment(**settings),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def runs(self, name: str = "beat", **settings: str) -> None:
        """Starts, has found this host fit, and is ended."""
        before = self.number()
        process = self.process(name, **settings)
        try:
            assert eventually(
                lambda: process.poll() is not None or self.number() not in (None, before), READY_S
            )
            assert process.poll() is None, process.communicate()[0]
        finally:
            process.send_signal(signal.SIGKILL)
            process.communicate()

    def has_run(self) -> None:
        """What any process does before all else, without the rest of it: half of a start."""
        code = "import gc; gc.disable(); from mt5monitor.hosts import entry; entry.run()"
        env = self._environment(DJANGO_SETTINGS_MODULE="mt5monitor.settings")
        before = self.number()
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, check=True)
        assert self.number() not in (None, before)

    def refusal(self, name: str, **settings: str) -> list[str]:
        """What a process says that does not start: its lines, and those of Celery."""
        process = self.process(name, **settings)
        try:
            output, _ = process.communicate(timeout=READY_S)
        finally:
            process.kill()
            process.communicate()
        assert process.returncode == 1, output
        assert "Traceback" not in output
        return output.splitlines()

    def number(self) -> tuple[str, int] | None:
        found = mark.read(self.folder)
        return None if found is None or found.was != found.number else (found.host, found.number)

    def back_up(self) -> Path:
        return Path(shutil.copytree(self.folder, self.folder.with_name("backup")))

    def switch_on(self) -> None:
        instance = (self.folder / "instance_id").read_text().strip()
        self.sql("UPDATE trading_tradingswitch SET is_on = 1, reason = '', instance = ?", instance)

    def switch(self) -> tuple[bool, str]:
        (row,) = self.sql("SELECT is_on, reason FROM trading_tradingswitch")
        return bool(row[0]), row[1]

    def sql(self, command: str, *values: str) -> list[tuple[object, ...]]:
        database = sqlite3.connect(self.database, timeout=20)
        try:
            with database:
                return database.execute(command, values).fetchall()
        finally:
            database.close()
