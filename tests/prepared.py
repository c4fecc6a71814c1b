"""What every start would do anew: an empty database with its tables, and packed static files.

Made once in a run, by the product's own `prepare`, and copied by the workers, the servers and the
stacks of the tests.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from mt5monitor.stack.programs import NOBODY_CAN_SIGN_IN

# What a desk has set for itself must not reach the tests, least of all its database.
OURS = ("STATE_DIR", "REDIS_URL", "PORT", "BIND", "PUBLIC_URL", "SECRET_KEY", "DEBUG", "ACCOUNTS")
FOLDER = "TESTS_PREPARED"
DATABASE = "mt5monitor.sqlite3"
STATIC, STAMP = "static", "static.stamp"  # see mt5monitor/stack/prepare.py


def prepare(folder: Path, database: str | None = None) -> dict[str, str]:
    """What processes of tests are to have in their environment to find what is made here.

    Empty where it failed: every stack prepares its own then, or says why it cannot.
    """
    folder.mkdir(exist_ok=True)
    run = [sys.executable, "-m", "mt5monitor.stack.prepare"]
    settings = {"STATE_DIR": str(folder), "DATABASE_URL": database or url(folder / DATABASE)}
    kept = {key: value for key, value in os.environ.items() if key not in OURS}
    done = subprocess.run(run, env=kept | settings, capture_output=True, text=True)
    if done.returncode == NOBODY_CAN_SIGN_IN:
        return {FOLDER: str(folder)}
    sys.stdout.write(f"Tests start slowly, for nothing could be prepared.\n{done.stderr}")
    return {}


def url(database: Path) -> str:
    return f"sqlite:///{database}"


def put_database(path: Path) -> bool:
    """Return whether one was prepared in this run, and is there now."""
    found = _found()
    if found is None:
        return False
    shutil.copy2(found / DATABASE, path)
    return True


def put_static(state_dir: Path) -> bool:
    """Whether they were packed in this run, and are there now."""
    found = _found()
    if found is None:
        return False
    shutil.copytree(found / STATIC, state_dir / STATIC, dirs_exist_ok=True)
    shutil.copy2(found / STAMP, state_dir / STAMP)
    return True


def put_all(state_dir: Path) -> None:
    put_database(state_dir / DATABASE)
    put_static(state_dir)


def _found() -> Path | None:
    folder = os.environ.get(FOLDER)
    return Path(folder) if folder else None
