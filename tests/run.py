"""All tests: on SQLite, on PostgreSQL, in a browser. `make test` runs this.

`python -m tests.run` runs all; with arguments it hands them to pytest, on SQLite, or on
PostgreSQL with DB=postgres. REQUIRE_BROWSER=1 makes a missing Chromium a failure.

All tests run on SQLite. Those that depend on the database run on PostgreSQL too: mark them with
`pytest.mark.both_databases`, one by one or as the `pytestmark` of their module. A test depends on
the database when it is about
- constraints, triggers, migrations, locks, transactions, or several connections at once,
- values at their limits: long or odd text, NUL, large numbers, decimals, JSON, times,
- what a query finds and in which order: search, filters, sorting, NULLs, days, sums,
- statements that no marked test sends yet: upserts, conditional updates, annotations.
A test of words, pages, permissions or agents whose rows are only saved and read is not marked.
tests/test_marks.py finds modules that use the database directly and have no mark.
"""

import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as xml
from dataclasses import dataclass, field
from pathlib import Path

from tests import chromium, prepared
from tests.postgres import PrivatePostgres

# More than cores, for tests wait: those in a browser the most.
WORKERS = min((os.cpu_count() or 1) + 1, 8)
IN_BROWSER = min((os.cpu_count() or 1) + 2, 8)
TEMPLATE = "prepared"
BOTH = "both_databases"
# Examples were many on SQLite: on PostgreSQL some of them show whether it does the same.
SOME = {"MACHINE_EXAMPLES": "15", "VERSUS_EXAMPLES": "6", "IMPORT_EXAMPLES": "20"}
INTERRUPTED = 2  # how pytest says that somebody pressed Ctrl-C


@dataclass
class Tally:
    """One run of pytest. `reason` says why it did not run at all."""

    name: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    code: int = 0
    reason: str = ""

    def __str__(self) -> str:
        if self.reason:
            return f"{self.name}: not run, {self.reason}"
        counts = f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"
        return f"{self.name}: {counts} in {self.seconds:.0f} s"


@dataclass
class Runs:
    """One after another: side by side, what has to be ready in time was not always."""

    folder: Path
    tallies: list[Tally] = field(default_factory=list)
    shared: dict[str, str] = field(default_factory=dict)

    def say(self, text: str) -> None:
        """At once: what pytest prints next must come after it."""
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    def pytest(self, name: str, database: str, *arguments: str, **environment: str) -> Tally:
        """One run of pytest; what it leaves in its temporary folder goes with ours."""
        self.say(f"\n=== {name}")
        report = self.folder / f"{name}.xml"
        env = {key: value for key, value in os.environ.items() if key not in prepared.OURS}
        env |= {"DATABASE_URL": database, "TMPDIR": str(self.folder)}
        env |= self.shared | environment
        # Dozens of processes import the same modules: they are compiled once.
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        started = time.monotonic()
        argv = [sys.executable, "-m", "pytest", f"--junitxml={report}", *arguments]
        code = subprocess.run(argv, env=env).returncode
        tally = count(name, report)
        tally.code, tally.seconds = code, time.monotonic() - started
        self.tallies.append(tally)
        return tally

    def prepare(self) -> None:
        self.shared = prepared.prepare(self.folder / "prepared")

    def on_sqlite(self, *arguments: str, **environment: str) -> Tally:
        name = "Browser" if "CHROMIUM" in environment else "SQLite"
        database = prepared.url(self.folder / "unused.sqlite3")
        # A database that was copied is kept as it is; it goes with our folder.
        kept = ["--reuse-db"] if self.shared else []
        return self.pytest(name, database, *kept, *arguments, **environment)

    def on_postgres(self, *arguments: str, **environment: str) -> Tally:
        server = PrivatePostgres(self.folder / "pg")
        try:
            server.start()
            if self.shared and prepared.prepare(self.folder / "prepared", server.make(TEMPLATE)):
                environment["TESTS_TEMPLATE"] = TEMPLATE
            # Its databases go with the server.
            return self.pytest("PostgreSQL", server.url, "--reuse-db", *arguments, **environment)
        finally:
            server.stop()

    def in_browser(self, found: str | None) -> None:
        if found:
            self.on_sqlite(*modules(IN_BROWSER), "tests/browser", CHROMIUM=found)
            return
        reason = f"no Chromium: {chromium.HOW}"
        required = os.environ.get("REQUIRE_BROWSER") == "1"
        self.tallies.append(Tally("Browser", code=int(required), reason=reason))


def modules(workers: int = WORKERS) -> list[str]:
    """The tests of a module run in one worker, for they may share a stack; conftest.py says which
    modules begin."""
    return ["-q", "-n", str(workers), "--dist", "loadfile", "--no-loadscope-reorder"]


def count(name: str, report: Path) -> Tally:
    """What pytest wrote into its report; nothing at all when it did not get that far."""
    if not report.exists():
        return Tally(name)
    suites = xml.parse(report).getroot().iter("testsuite")  # noqa: S314 - written by ourselves
    totals = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    for suite in suites:
        for key in totals:
            totals[key] += int(suite.get(key, 0))
    failed = totals["failures"] + totals["errors"]
    passed = max(totals["tests"] - failed - totals["skipped"], 0)
    return Tally(name, passed=passed, failed=failed, skipped=totals["skipped"])


def run_all(runs: Runs) -> int:
    found = chromium.find_or_install()
    runs.prepare()
    if runs.on_sqlite(*modules(), *without("browser")).code != INTERRUPTED:
        run_the_rest(runs, found)
    tallies = runs.tallies
    runs.say("\n".join(str(tally) for tally in tallies))
    passed, failed = sum(t.passed for t in tallies), sum(t.failed for t in tallies)
    runs.say(
        f"\nTotal: {passed} passed, {failed} failed, {sum(t.skipped for t in tallies)} skipped"
    )
    return max((abs(tally.code) for tally in tallies), default=1)


def run_the_rest(runs: Runs, found: str | None) -> None:
    few = {name: os.environ.get(name, count) for name, count in SOME.items()}
    both = ["-m", BOTH, *marked()]
    if runs.on_postgres(*modules(), *both, **few).code != INTERRUPTED:
        runs.in_browser(found)


def marked() -> list[str]:
    """Return the modules in which a test is marked for both databases.

    Each worker would import all others too, which costs seconds, and run nothing of them.
    """
    found = sorted(Path("tests").rglob("test_*.py"))
    return [str(path) for path in found if BOTH in path.read_text(encoding="utf-8")]


def without(*folders: str) -> list[str]:
    """Each worker reads all that is not left out: what a run does not want costs it seconds."""
    return [f"--ignore=tests/{folder}" for folder in folders]


def run_some(runs: Runs, arguments: list[str]) -> int:
    found = chromium.find()
    if found:
        os.environ["CHROMIUM"] = found
    on = runs.on_postgres if os.environ.get("DB") == "postgres" else runs.on_sqlite
    return on(*arguments).code


def main() -> int:
    arguments = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="mt5-") as folder:
        Path(folder).chmod(0o755)
        runs = Runs(Path(folder))
        return run_some(runs, arguments) if arguments else run_all(runs)


if __name__ == "__main__":
    sys.exit(main())
