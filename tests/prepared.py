"""What every start would do anew: an empty database with its tables, and packed static files.

Made once in a run, by the product's own `prepare`, and copied by the workers, the servers and the
stacks of the tests.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = "TESTS_PREPARED"
DATABASE = "mt5monitor.sqlite3"
KEPT = (DATABASE, "static", "static.stamp")  # see mt5monitor/stack/prepare.py


def prepare(folder: Path, database: str | None = None) -> dict[str, str]:
    """What processes of tests are to have in their environment to find what is made here.

    Empty where it failed: every stack prepares its own then, or says why it cannot.
    """
    folder.mkdir(exist_ok=True)
    run = [sys.executable, "-m", "mt5monitor.stack.prepare"]
    settings = {"STATE_DIR": str(folder), "DATABASE_URL": database or url(folder / DATABASE)}
    subprocess.run(run, env=os.environ | settings, capture_output=True)
    return {FOLDER: str(folder)} if all((folder / name).exists() for name in KEPT) else {}


def url(database: Path) -> str:
    return f"sqlite:///{database}"


def put_database(path: Path) -> None:
    if found := _found():
        shutil.copy2(found / DATABASE, path)


def put_static(state_dir: Path) -> bool:
    """Whether they were packed in this run, and are there now."""
    found = _found()
    if found is None:
        return False
    _, static, stamp = KEPT
    shutil.copytree(found / static, state_dir / static, dirs_exist_ok=True)
    shutil.copy2(found / stamp, state_dir / stamp)
    return True


def put_all(state_dir: Path) -> None:
    put_database(state_dir / DATABASE)
    put_static(state_dir)


def _found() -> Path | None:
    folder = os.environ.get(FOLDER)
    return Path(folder) if folder else None
