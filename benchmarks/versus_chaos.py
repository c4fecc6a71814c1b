"""kill -9 of the web process, a worker and the agents, in turn, while versus run.

`python -m benchmarks.versus_chaos --minutes 10` starts a demo of its own. On each of several pairs
of accounts somebody makes a versus after another on the pages, freezes, transfers and closes it,
clicking again when an answer is lost. A person settles what asks for one, by the venue's ledger,
and in the end the rows are held to it: at every change of a state, and as they are. Exits with 1
when a leg was executed twice or lost, an exposure was wrong, or anything never came to rest.
"""

import argparse
import contextlib
import html
import http.client
import random
import re
import sys
import threading
import time
from collections import Counter, defaultdict
from typing import Any

from benchmarks import kills, ledger, versus_ledger
from benchmarks.bench import percentiles, table
from benchmarks.desk import Desk
from benchmarks.kills import Kill
from benchmarks.versus_ledger import Change, Naked
from tests.waiting import eventually

ACCOUNTS = 16
# Agents of the demo whose accounts are hedging; the odd ones speak contract 1.
PAIRS = ((2, 6), (1, 8), (10, 14), (16, 3), (9, 11))
LOST_WITHIN_S = 0.4  # after a click: some steps of a versus, and what comes between them
PATIENCE_S = 240.0
LATENCY_S = 0.05  # of each answer of an agent
LOOK_EVERY_S = 0.1
LOST_FOR_S = 0.3  # until somebody clicks again
WARNING = re.compile(r'name="warning" value="([^"]*)"')
COUNTED = ("versus", "sent", "executed", "duplicated", "lost", "wrong", "unresolved", "by hand")
BAD = ("duplicated", "lost", "wrong", "unresolved")
Form = list[tuple[str, str]]


class Runner(threading.Thread):
    """Somebody of the desk with one pair of accounts: what comes next is clicked, as the page of
    the versus would offer it."""

    def __init__(self, desk: Desk, number: int) -> None:
        super().__init__(daemon=True)
        from accounts.models import Account

        self.desk, self.random = desk, random.Random(number)
        accounts = Account.objects.select_related("agent")
        a, b = PAIRS[number]
        self.a, self.b = (accounts.get(agent__url__endswith=f"/agents/{n}") for n in (a, b))
        self.clicks = self.lost_answers = 0

    def run(self) -> None:
        while not self.desk.over.is_set():
            self._look()
            time.sleep(self.random.uniform(0, LOOK_EVERY_S))

    def _look(self) -> None:
        from trading.models import Versus

        versus = Versus.objects.open().filter(account_a=self.a).first()
        if versus is None:
            self._click("new/", self._typed())
        elif action := self._next(versus.state):
            self.desk.began.set()
            self._click(f"{versus.code}/{action}/", [])

    def _next(self, state: str) -> str:
        often = self.random.random() < 0.85
        return {
            "pending": "freeze" if often else "cancel",
            "frozen": "transfer" if often else "close",
            "transferred": "close",
            "diverged": "close",
        }.get(state, "")

    def _typed(self) -> Form:
        """Stops in money, too far to be hit, where the agent tells what a tick is worth."""
        form = {"account_a": str(self.a.number), "account_b": str(self.b.number)}
        form |= {"symbol_a": "EURUSD", "symbol_b": "EURUSD", "zone": "UTC", "window": "5"}
        form["lots"] = self.random.choice(["0.02", "0.03", "0.05"])
        form["side_a"] = self.random.choice(["BUY", "SELL"])
        for role, account in (("a", self.a), ("b", self.b)):
            if account.agent and account.agent.contract == "2":
                form |= {f"sl_{role}": "200", f"tp_{role}": "200"}
        return list(form.items())

    def _click(self, path: str, form: Form) -> None:
        """Warnings are acknowledged as they are shown. When nobody answers, the next look tells
        what is to be clicked, and it is clicked anew."""
        self.clicks += 1
        try:
            status, page = self.desk.post(f"/versus/{path}", form)
            warnings = [("warning", html.unescape(text)) for text in WARNING.findall(page)]
            if status == 422 and warnings:
                self.desk.began.set()
                self.desk.post(f"/versus/{path}", [*form, ("acknowledged", "on"), *warnings])
        except (OSError, http.client.HTTPException):
            self.lost_answers += 1
            time.sleep(LOST_FOR_S)


def looked_after(desk: Desk) -> None:
    """After a kill. Agents that die again right now are slowed down after the next one."""
    desk.settle()
    with contextlib.suppress(OSError, http.client.HTTPException):
        desk.slow_agents(LATENCY_S)


# --- how it ends --------------------------------------------------------------------------------
def at_rest(desk: Desk) -> bool:
    """With a person who settles what is lost, and closes what has diverged."""
    from django.contrib.auth.models import User

    from trading.models import Order, Versus
    from trading.versus import desk as versus_desk
    from trading.versus.states import State

    desk.settle()
    for versus in Versus.objects.filter(state=State.DIVERGED):
        versus_desk.close_both(versus, User.objects.get(username="demo"), "seen in the ledger")
    time.sleep(0.5)
    return not _moving().exists() and not Order.objects.open().exists()


def _moving() -> Any:
    from trading.models import Versus
    from trading.versus.states import State

    return Versus.objects.open().exclude(state__in=[State.PENDING, State.FROZEN, State.TRANSFERRED])


# --- what the ledger says -----------------------------------------------------------------------
def tally(desk: Desk, seen: dict[int, list[Change]]) -> dict[str, int]:
    from trading.models import Order, Versus
    from trading.states import OPEN

    judge, counts, orders = desk.judge(), Counter[str](), list(Order.objects.all())
    for order in orders:
        counts["unresolved"] += order.state in OPEN
        counts["by hand"] += bool(order.settled_by)
        if order.kind != "modify":  # no leg
            counts["sent"] += bool(judge.calls(order))
            counts["executed"] += bool(judge.executed(order))
            counts["duplicated"] += judge.is_doubled(order)
            counts["lost"] += judge.is_lost(order)
    counts["duplicated"] += _steps_taken_twice(judge, orders)
    counts["lost"] += judge.strangers(orders)
    counts["unresolved"] += _moving().count()
    for versus in Versus.objects.all():
        counts["versus"] += 1
        counts["lost"] += _lost_legs(versus, seen[versus.pk])
        counts["wrong"] += _wrong(versus, seen[versus.pk])
    return {name: counts[name] for name in COUNTED}


def _steps_taken_twice(judge: ledger.Judge, orders: list[Any]) -> int:
    taken = Counter(
        (order.versus_id, order.run, order.step)
        for order in orders
        if order.kind == "open" and judge.executed(order)
    )
    return sum(count - 1 for count in taken.values())


def _lost_legs(versus: Any, seen: list[Change]) -> int:
    """Open at the venue and not by the rows, or open by the rows and never at the venue."""
    from trading.versus.legs import Legs

    known = {(leg.login, leg.ticket) for leg in Legs(list(versus.orders.all())).open}
    ever, now = {change.key for change in seen}, set(versus_ledger.held(seen))
    lost = (now - known) | (known - ever)
    if lost:
        print(f"{versus.code} is {versus.state}: {lost} lost", file=sys.stderr)
    return len(lost)


def _wrong(versus: Any, seen: list[Change]) -> int:
    """At each change of its state, as it is now, and in between."""
    said = [
        versus_ledger.wrong(event.state, versus, versus_ledger.held(seen, event.at.timestamp()))
        for event in versus.events.exclude(state="")
    ]
    said.append(versus_ledger.wrong(versus.state, versus, versus_ledger.held(seen)))
    if (most := versus_ledger.most_exposed(seen)) > versus.lots:
        said.append(f"{versus.code} of {versus.lots} lots was exposed by {most}")
    for text in filter(None, said):
        print(text, file=sys.stderr)
    return sum(map(bool, said))


# --- naked time ---------------------------------------------------------------------------------
def naked_rows(seen: dict[int, list[Change]], killed: list[Kill]) -> list[list[object]]:
    """A run is hit when something was down at any moment between its begin and its legs being
    equal again."""
    from trading.models import Versus

    taken: dict[tuple[str, str], list[float]] = defaultdict(list)
    for versus in Versus.objects.all():
        begins = [event.at.timestamp() for event in versus.events.exclude(state="")]
        for one in versus_ledger.naked(seen[versus.pk]):
            began = max((at for at in begins if at <= one.began), default=one.began)
            hit = "hit by a kill" if _is_hit(began, one, killed) else "not hit"
            taken[one.what, hit].append((one.ended - one.began) * 1000)
    return [
        [what, hit, len(times), *percentiles(times), max(times)]
        for (what, hit), times in sorted(taken.items())
    ]


def _is_hit(began: float, one: Naked, killed: list[Kill]) -> bool:
    return any(kill.at <= one.ended and kill.back >= began for kill in killed)


def run(desk: Desk, asked: argparse.Namespace) -> bool:
    """Whether nothing is wrong."""
    from trading.models import Order

    runners = [Runner(desk, number) for number in range(asked.pairs)]
    for runner in runners:
        runner.start()
    desk.slow_agents(LATENCY_S)
    killed = kills.kill_in_turn(desk, asked, LOST_WITHIN_S, lambda: looked_after(desk))
    for runner in runners:
        runner.join(90)
    eventually(lambda: at_rest(desk), PATIENCE_S)
    entries = ledger.read(desk.stack.state_dir)
    seen = versus_ledger.by_versus(entries, Order.objects.all())
    told = {"kills": len(killed), "clicks": sum(runner.clicks for runner in runners)}
    told |= {"answers lost": sum(runner.lost_answers for runner in runners)}
    told |= tally(desk, seen)
    table("kill -9 while versus run", list(told), [list(told.values())])
    columns = ("naked", "", "runs", "p50, ms", "p95", "p99", "most")
    table("Naked time while processes are killed", columns, naked_rows(seen, killed))
    return not any(told[name] for name in BAD)


def main() -> int:
    parser = kills.options(__doc__, every_s=9)  # so that some runs meet none
    parser.add_argument("--pairs", type=int, default=len(PAIRS))
    asked = parser.parse_args()
    with kills.demo(ACCOUNTS) as desk:
        return int(not run(desk, asked))


if __name__ == "__main__":
    sys.exit(main())
