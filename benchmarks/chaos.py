"""kill -9 of the web process, a worker and the agents, in turn, while orders flow.

`python -m benchmarks.chaos --minutes 10` starts a demo of its own, clicks on several accounts at
once, each click again with the same key when its answer is lost, and in the end holds the orders'
table to the ledger of the venue. A person settles what needs one, by that ledger. Exits with 1 when
anything was executed twice, was lost, or never ended.
"""

import argparse
import contextlib
import http.client
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
import urllib.parse
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.bench import table
from tests.stack.stack import Stack
from tests.waiting import eventually

TARGETS = ("web", "worker", "fleet")
EVERY_S = 5.5  # a process each; the stack gives up one that dies five times in a minute
FEW = 6  # so many may follow at once
LOST_WITHIN_S = 0.08  # a kill comes at any moment of an order, the milliseconds before it included
PATIENCE_S = 200.0
LOST_CLICK_S = 20.0


class Clicker(threading.Thread):
    """Somebody who buys and sells small lots on one account, and closes what was opened."""

    def __init__(self, desk: "Desk", number: int) -> None:
        super().__init__(daemon=True)
        self.desk, self.number = desk, number
        self.random = random.Random(number)
        self.clicks = self.lost_answers = 0

    def run(self) -> None:
        while not self.desk.over.is_set():
            path, data = self.random.choice([self._opening, self._opening, self._closing])()
            self.clicks += 1
            self.desk.began.set()
            self._click(path, data | {"step": "send", "client_key": f"{self.number}-{self.clicks}"})

    def _opening(self) -> tuple[str, dict[str, str]]:
        side = self.random.choice(["BUY", "SELL"])
        return "open/", {"symbol": "EURUSD", "side": side, "volume": "0.01"}

    def _closing(self) -> tuple[str, dict[str, str]]:
        tickets = self.desk.held(self.number)
        if not tickets:
            return self._opening()
        return f"positions/{self.random.choice(tickets)}/close/", {}

    def _click(self, path: str, data: dict[str, str]) -> None:
        """The same form again until somebody answers."""
        give_up = time.monotonic() + LOST_CLICK_S
        while time.monotonic() < give_up:
            try:
                self.desk.post(f"/accounts/{self.number}/{path}", data)
            except (OSError, http.client.HTTPException):
                self.lost_answers += 1
                time.sleep(0.2)
            else:
                return


class Desk:
    """A user of the demo, signed in, and what its database and its venue say."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.over, self.began = threading.Event(), threading.Event()
        self.cookies = _signed_in()

    def post(self, path: str, data: dict[str, str]) -> int:
        token = "c" * 32
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Cookie": f"{self.cookies}; csrf={token}",
            "X-CSRFToken": token,
        }
        line = http.client.HTTPConnection("127.0.0.1", self.stack.port, timeout=60)
        with contextlib.closing(line):
            line.request("POST", path, urllib.parse.urlencode(data), headers)
            answer = line.getresponse()
            answer.read()
            return answer.status

    def held(self, number: int) -> list[int]:
        """Positions of our orders that are open, as far as was polled."""
        from accounts.models import Position

        ours = Position.objects.filter(account__number=number, magic__gt=0)
        return list(ours.values_list("ticket", flat=True))

    def ledger(self) -> list[dict[str, Any]]:
        path = self.stack.state_dir / "fleet" / "seed-1" / "ledger.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [json.loads(line) for line in lines]

    def settle(self) -> int:
        """A person who looks at the ledger decides about what the monitor cannot."""
        from django.contrib.auth.models import User

        from trading import orders
        from trading.diagram import State
        from trading.models import Order

        judge, person = Judge(self.ledger()), User.objects.get(username="demo")
        waiting = Order.objects.filter(state=State.NEEDS_ATTENTION)
        return sum(
            orders.settle_by_hand(
                order,
                person,
                State.FILLED if judge.executed(order) else State.NOT_EXECUTED,
                "seen in the ledger",
            )
            for order in waiting
        )


class Judge:
    """What the venue's ledger says of an order."""

    def __init__(self, entries: list[dict[str, Any]]) -> None:
        self.sends = [entry for entry in entries if entry["kind"] == "send"]
        self.done = {entry["send"] for entry in entries if entry["kind"] == "execution"}

    def calls(self, order: Any) -> list[dict[str, Any]]:
        """Contract 1 marks what it opens, not what it closes: there the ticket tells."""
        if order.contract == "2" or order.kind == "open":
            return [send for send in self.sends if send["tag"] == order.tag]
        closing = (order.position, "Close position")
        return [s for s in self.sends if (s["request"]["position"], s["tag"]) == closing]

    def executed(self, order: Any) -> int:
        return sum(send["number"] in self.done for send in self.calls(order))


def _signed_in() -> str:
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client()
    client.force_login(User.objects.get(username="demo"))
    return f"session={client.cookies['session'].value}"


def kill(stack: Stack, name: str, desk: Desk, chance: random.Random) -> None:
    """At any moment of some order; returns when it runs again."""
    desk.began.clear()
    desk.began.wait(2)
    time.sleep(chance.uniform(0, LOST_WITHIN_S))
    victim = stack.processes().get(name)
    if victim is not None:
        os.kill(victim.pid, signal.SIGKILL)
    assert eventually(stack.all_run, 30), "".join(stack.lines)


def tally(desk: Desk) -> dict[str, int]:
    from trading.diagram import EXECUTED, LOCKING, WITHOUT_EXECUTION, State
    from trading.models import Order

    judge, counts = Judge(desk.ledger()), Counter[str]()
    for order in Order.objects.all():
        calls, executed = len(judge.calls(order)), judge.executed(order)
        shared = order.contract == "1" and order.kind == "close"  # a ticket, not a mark
        counts["orders"] += 1
        counts["sent"] += calls > 0
        counts["executed"] += executed > 0
        counts["duplicated"] += executed > 1 or (calls > 1 and not shared)
        done = order.state in EXECUTED
        lost = (executed and order.state in WITHOUT_EXECUTION and not shared) or (
            done and not executed
        )
        counts["lost"] += bool(lost)
        counts["unresolved"] += order.state in LOCKING or order.state == State.QUEUED
        counts["by hand"] += bool(order.settled_by)
    tags = {order.tag for order in Order.objects.all()}
    strangers = [s for s in judge.sends if s["tag"] not in tags and s["tag"] != "Close position"]
    counts["lost"] += len(strangers)
    names = ("orders", "sent", "executed", "duplicated", "lost", "unresolved", "by hand")
    return {name: counts[name] for name in names}


def run(stack: Stack, seconds: float, kills: int, seed: int) -> dict[str, int]:
    from accounts.models import Account

    desk, chance = Desk(stack), random.Random(seed)
    clickers = [Clicker(desk, n) for n in Account.objects.values_list("number", flat=True)]
    for clicker in clickers:
        clicker.start()
    began, number = time.monotonic(), 0
    while time.monotonic() < began + seconds or number < kills:
        kill(stack, TARGETS[number % len(TARGETS)], desk, chance)
        number += 1
        desk.settle()
        if number > FEW:
            desk.over.wait(max(0.0, began + number * EVERY_S - time.monotonic()))
    desk.over.set()
    for clicker in clickers:
        clicker.join(LOST_CLICK_S + 60)
    eventually(lambda: _all_ended(desk), PATIENCE_S)
    told = {"kills": number, "clicks": sum(c.clicks for c in clickers)}
    return told | {"answers lost": sum(c.lost_answers for c in clickers)} | tally(desk)


def _all_ended(desk: Desk) -> bool:
    from trading.models import Order

    desk.settle()
    time.sleep(0.3)
    return not Order.objects.open().exists()


def connect(state_dir: Path) -> None:
    """Django on the database of that stack."""
    os.environ["STATE_DIR"] = str(state_dir)
    os.environ["DJANGO_SETTINGS_MODULE"] = "mt5monitor.settings"
    for name in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    import django

    django.setup()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=2)
    parser.add_argument("--kills", type=int, default=3, help="at least so many")
    parser.add_argument("--accounts", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="chaos-", ignore_cleanup_errors=True) as folder:
        stack = Stack(Path(folder), ACCOUNTS=str(options.accounts), LOG_LEVEL="ERROR")
        stack.start()
        try:
            connect(stack.state_dir)
            told = run(stack, options.minutes * 60, options.kills, options.seed)
            table("kill -9 while orders flow", list(told), [list(told.values())])
        finally:
            stack.end(signal.SIGTERM)
            stack.discard()
    return int(any(told[name] for name in ("duplicated", "lost", "unresolved")))


if __name__ == "__main__":
    sys.exit(main())
