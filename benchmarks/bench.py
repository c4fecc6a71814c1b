"""What all measurements share: a scratch database, processes of our own, a table at the end."""

import contextlib
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def setup() -> Path:
    """Django on a scratch STATE_DIR with a migrated database; returns the folder.

    DATABASE_URL and REDIS_URL are taken as they are, so that PostgreSQL can be measured too.
    """
    folder = Path(tempfile.mkdtemp(prefix="mt5monitor-bench-"))
    os.environ["STATE_DIR"] = str(folder)
    os.environ["AGENT_ALLOWED_NETWORKS"] = "127.0.0.0/8"
    os.environ["MFA_REQUIRED"] = "0"  # sessions are made without signing in
    os.environ.setdefault("LOG_LEVEL", "ERROR")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    return folder


@contextlib.contextmanager
def process(*argv: str, ready: str) -> Iterator[str]:
    """Runs `python -m argv...` until the block ends; gives the line that starts with `ready`."""
    child = subprocess.Popen(
        [sys.executable, "-m", *argv], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout is not None
        yield next(line for line in child.stdout if line.startswith(ready)).strip()
    finally:
        child.terminate()
        child.wait(10)


@contextlib.contextmanager
def valkey() -> Iterator[None]:
    """A Valkey at settings.VALKEY_SOCKET, unless REDIS_URL names another."""
    if os.environ.get("REDIS_URL"):
        yield
        return
    from django.conf import settings

    from mt5monitor.stack.valkey import answers, program

    argv = program(settings.VALKEY_SOCKET, settings.STATE_DIR).argv
    child = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
    try:
        while not answers(settings.REDIS_URL):
            if child.poll() is not None:
                raise RuntimeError("Valkey did not start")
        yield
    finally:
        child.terminate()
        child.wait(10)


def median_of(runs: int, measure: Callable[[], float]) -> float:
    return statistics.median(measure() for _ in range(runs))


def percentiles(values: Sequence[float]) -> tuple[float, float, float]:
    """p50, p95, p99."""
    ordered = sorted(values)
    return tuple(ordered[min(int(len(ordered) * p), len(ordered) - 1)] for p in (0.5, 0.95, 0.99))  # type: ignore[return-value]


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Prints a Markdown table, under the commit and the machine that it belongs to."""
    print(f"\n## {title}\n")
    print(f"Commit {_commit()}, {_machine()}\n")
    print("| " + " | ".join(columns) + " |")
    print("| " + " | ".join("---" for _ in columns) + " |")
    for row in rows:
        print("| " + " | ".join(_cell(value) for value in row) + " |")
    sys.stdout.flush()


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3g}" if value < 100 else f"{value:.0f}"
    return str(value)


def _commit() -> str:
    git = ["git", "-C", str(ROOT)]
    commit = subprocess.run(
        [*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    dirty = subprocess.run(
        [*git, "status", "--porcelain"], capture_output=True, text=True, check=False
    )
    return (commit.stdout.strip() or "unknown") + (" with changes" if dirty.stdout else "")


def _machine() -> str:
    from django.db import connection

    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    python = platform.python_version()
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, Python {python}, {connection.vendor}"
