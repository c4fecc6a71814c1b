"""kill -9 of the web process, a worker and the agents, in turn, while orders flow.

`python -m benchmarks.chaos --minutes 10` starts a demo of its own, clicks on several accounts at
once, each click again with the same key when its answer is lost, and in the end holds the orders'
table to the ledger of the venue. A person settles what needs one, by that ledger. Exits with 1 when
anything was executed twice, was lost, or never ended.
"""

import argparse
import http.client
import random
import sys
import threading
import time
from collections import Counter

from benchmarks import kills
from benchmarks.bench import table
from benchmarks.desk import Desk
from tests.waiting import eventually

LOST_WITHIN_S = 0.08  # a kill comes at any moment of an order, the milliseconds before it included
FEW = 6  # kills in a minute that the stack does not take for a process that cannot start
PATIENCE_S = 200.0
LOST_CLICK_S = 20.0


class Clicker(threading.Thread):
    """Somebody who buys and sells small lots on one account, and closes what was opened."""

    def __init__(self, desk: Desk, number: int) -> None:
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
        tickets = self._held()
        if not tickets:
            return self._opening()
        return f"positions/{self.random.choice(tickets)}/close/", {}

    def _held(self) -> list[int]:
        """Positions of our orders that are open, as far as was polled."""
        from accounts.models import Position

        ours = Position.objects.filter(account__number=self.number, magic__gt=0)
        return list(ours.values_list("ticket", flat=True))

    def _click(self, path: str, data: dict[str, str]) -> None:
        """The same form again until somebody answers."""
        give_up = time.monotonic() + LOST_CLICK_S
        while time.monotonic() < give_up:
            try:
                self.desk.post(f"/accounts/{self.number}/{path}", list(data.items()))
            except (OSError, http.client.HTTPException):
                self.lost_answers += 1
                time.sleep(0.2)
            else:
                return


def tally(desk: Desk) -> dict[str, int]:
    from trading.models import Order
    from trading.states import OPEN

    judge, counts, orders = desk.judge(), Counter[str](), list(Order.objects.all())
    for order in orders:
        counts["orders"] += 1
        counts["sent"] += bool(judge.calls(order))
        counts["executed"] += bool(judge.executed(order))
        counts["duplicated"] += judge.is_doubled(order)
        counts["lost"] += judge.is_lost(order)
        counts["unresolved"] += order.state in OPEN
        counts["by hand"] += bool(order.settled_by)
    counts["lost"] += judge.strangers(orders)
    names = ("orders", "sent", "executed", "duplicated", "lost", "unresolved", "by hand")
    return {name: counts[name] for name in names}


def run(desk: Desk, asked: argparse.Namespace) -> dict[str, int]:
    from accounts.models import Account

    clickers = [Clicker(desk, n) for n in Account.objects.values_list("number", flat=True)]
    for clicker in clickers:
        clicker.start()
    killed = kills.kill_in_turn(desk, asked, LOST_WITHIN_S, desk.settle, FEW)
    for clicker in clickers:
        clicker.join(LOST_CLICK_S + 60)
    eventually(lambda: _all_ended(desk), PATIENCE_S)
    told = {"kills": len(killed), "clicks": sum(c.clicks for c in clickers)}
    return told | {"answers lost": sum(c.lost_answers for c in clickers)} | tally(desk)


def _all_ended(desk: Desk) -> bool:
    from trading.models import Order

    desk.settle()
    time.sleep(0.3)
    return not Order.objects.open().exists()


def main() -> int:
    parser = kills.options(__doc__, every_s=5.5)
    parser.add_argument("--accounts", type=int, default=6)
    asked = parser.parse_args()
    with kills.demo(asked.accounts) as desk:
        told = run(desk, asked)
        table("kill -9 while orders flow", list(told), [list(told.values())])
    return int(any(told[name] for name in ("duplicated", "lost", "unresolved")))


if __name__ == "__main__":
    sys.exit(main())
