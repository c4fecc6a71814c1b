"""Static files as servers in the field have them: packed once for all the stacks of a run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = "TESTS_STATIC"
KEPT = ("static", "static.stamp")  # see mt5monitor/stack/prepare.py


def pack(folder: Path) -> dict[str, str]:
    """What processes of tests are to have in their environment to find what is packed here."""
    folder.mkdir()
    prepare = [sys.executable, "-m", "mt5monitor.stack.prepare"]
    settings = {"STATE_DIR": str(folder), "DATABASE_URL": f"sqlite:///{folder}/unused.sqlite3"}
    subprocess.run(prepare, env=os.environ | settings, capture_output=True)
    # Where that failed, every stack packs its own, or says why it cannot.
    return {FOLDER: str(folder)} if all((folder / name).exists() for name in KEPT) else {}


def put_into(state_dir: Path) -> bool:
    """Whether they were packed in this run, and are there now."""
    packed = Path(os.environ.get(FOLDER, "missing"))
    if not packed.is_dir():
        return False
    static, stamp = KEPT
    shutil.copytree(packed / static, state_dir / static, dirs_exist_ok=True)
    shutil.copy2(packed / stamp, state_dir / stamp)
    return True
