"""The Chromium for browser tests: the system's, else installed with its package manager."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

# The first is Chromium without windows and menus: the same engine, for half of the work.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser")
NAMES += ("google-chrome", "google-chrome-stable", "chrome")
PATHS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
APT = ["apt-get", "install", "-y", "-qq", "--no-install-recommends"]
INSTALL = {
    "apt-get": [
        ["apt-get", "update", "-qq"],
        [*APT, "chromium-headless-shell"],  # which not every release has
        [*APT, "chromium"],
    ],
    "dnf": [["dnf", "install", "-y", "-q", "chromium"]],
    "apk": [["apk", "add", "--quiet", "chromium"]],
    "zypper": [["zypper", "--non-interactive", "--quiet", "install", "chromium"]],
}
HOW = "install Chromium or Google Chrome, or set CHROMIUM to the path of one"


def find() -> str | None:
    """Path of a Chromium that starts; CHROMIUM in the environment comes first."""
    wanted = os.environ.get("CHROMIUM")
    candidates = [wanted] if wanted else [shutil.which(name) for name in NAMES] + list(PATHS)
    return next((path for path in candidates if path and _starts(path)), None)


def _starts(path: str) -> bool:
    # Some distributions ship a command of that name that only tells where to get the real one.
    try:
        asked = subprocess.run([path, "--version"], capture_output=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0 and b"hrom" in asked.stdout


def find_or_install() -> str | None:
    """Installs it where that needs no password; None when there is no Chromium in the end."""
    found = find()
    if found or os.environ.get("CHROMIUM"):
        return found
    manager = next((name for name in INSTALL if shutil.which(name)), None)
    become = _becoming_root()
    if manager is None or become is None:
        return None
    sys.stdout.write(f"No Chromium found: installing it with {manager} ...\n")
    sys.stdout.flush()
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in INSTALL[manager]:
        done = subprocess.run(
            [*become, *command], env=environment, stdin=subprocess.DEVNULL, capture_output=True
        )
        if found := find():
            return found
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            sys.stdout.write(f"{Path(command[0]).name}: {said[-1] if said else 'failed'}\n")
    return None


def _becoming_root() -> list[str] | None:
    if os.geteuid() == 0:
        return []
    sudo = ["sudo", "-n"]
    if shutil.which("sudo") and not subprocess.run([*sudo, "true"], capture_output=True).returncode:
        return sudo
    return None
