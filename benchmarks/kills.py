"""A demo of its own, whose web process, worker and agents are killed in turn, with kill -9."""

import argparse
import contextlib
import os
import random
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.desk import Desk
from tests.stack.stack import Stack
from tests.waiting import eventually

TARGETS = ("web", "worker", "fleet")


@dataclass(frozen=True, slots=True)
class Kill:
    """Unix seconds: when it was killed, and when all ran again and answered."""

    name: str
    at: float
    back: float


def options(doc: str | None, every_s: float) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=doc)
    parser.add_argument("--minutes", type=float, default=2)
    parser.add_argument("--kills", type=int, default=3, help="at least so many")
    # A process each: the stack gives up one that dies five times in a minute.
    parser.add_argument("--every", type=float, default=every_s, help="seconds")
    parser.add_argument("--seed", type=int, default=1)
    return parser


@contextlib.contextmanager
def demo(accounts: int) -> Iterator[Desk]:
    with tempfile.TemporaryDirectory(prefix="chaos-", ignore_cleanup_errors=True) as folder:
        stack = Stack(Path(folder), ACCOUNTS=str(accounts), LOG_LEVEL="ERROR")
        stack.start()
        try:
            connect(stack.state_dir)
            yield Desk(stack)
        finally:
            stack.end(signal.SIGTERM)
            stack.discard()


def connect(state_dir: Path) -> None:
    """Django on the database of that stack."""
    os.environ["STATE_DIR"] = str(state_dir)
    os.environ["DJANGO_SETTINGS_MODULE"] = "mt5monitor.settings"
    for name in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    import django

    django.setup()


def kill(desk: Desk, name: str, after_s: float) -> Kill:
    """`after_s` after something begins, or at once when nothing does. Returns when all answer."""
    desk.began.clear()
    desk.began.wait(2)
    time.sleep(after_s)
    at, victim = time.time(), desk.stack.processes().get(name)
    if victim is not None:
        os.kill(victim.pid, signal.SIGKILL)
        victim.wait(30)  # else it would pass for the one that is started in its place
    assert eventually(lambda: desk.stack.all_run() and desk.is_served(), 30), desk.stack.lines
    return Kill(name, at, time.time())


def kill_in_turn(
    desk: Desk,
    asked: argparse.Namespace,
    within_s: float,
    after: Callable[[], object],
    few: int = 0,
) -> list[Kill]:
    """For as long as was asked, each at any moment of the `within_s` after a click. `after` each,
    once all run again; the first `few` follow at once."""
    chance, kills = random.Random(asked.seed), list[Kill]()
    began = time.monotonic()
    while time.monotonic() < began + asked.minutes * 60 or len(kills) < asked.kills:
        name = TARGETS[len(kills) % len(TARGETS)]
        kills.append(kill(desk, name, chance.uniform(0, within_s)))
        after()
        if len(kills) > few:
            desk.over.wait(max(0.0, began + len(kills) * asked.every - time.monotonic()))
    desk.over.set()
    return kills
