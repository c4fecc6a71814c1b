"""The user of a demo: signed in, clicking on its pages, and settling what asks for a person."""

import contextlib
import http.client
import json
import socket
import threading
import urllib.parse

from benchmarks import ledger
from benchmarks.ledger import Judge
from mt5monitor.stack.fleet import Fleet, read_fleet
from tests.stack.stack import Stack

CSRF = "c" * 32
LOCAL = "127.0.0.1"


class Desk:
    """`over`: nothing new is begun. `began`: set whenever something is."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.over, self.began = threading.Event(), threading.Event()
        self.cookies = f"{_signed_in()}; csrf={CSRF}"

    def post(self, path: str, data: list[tuple[str, str]]) -> tuple[int, str]:
        """Status and page. Raises OSError and HTTPException when the answer is lost."""
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Cookie": self.cookies,
            "X-CSRFToken": CSRF,
        }
        line = http.client.HTTPConnection(LOCAL, self.stack.port, timeout=60)
        with contextlib.closing(line):
            line.request("POST", path, urllib.parse.urlencode(data), headers)
            answer = line.getresponse()
            return answer.status, answer.read().decode()

    def judge(self) -> Judge:
        return Judge(ledger.read(self.stack.state_dir))

    def settle(self) -> int:
        """A person who looks at the ledger decides about what the monitor cannot."""
        from django.contrib.auth.models import User

        from trading import settling
        from trading.models import Order
        from trading.states import State

        waiting = list(Order.objects.filter(state=State.NEEDS_ATTENTION))
        judge, person = self.judge(), User.objects.get(username="demo")
        return sum(
            settling.settle_by_hand(
                order,
                person,
                State.FILLED if judge.executed(order) else State.NOT_EXECUTED,
                "seen in the ledger",
                judge.opened(order),
            )
            for order in waiting
        )

    def is_served(self) -> bool:
        """Whether the web process and the agents take connections."""
        for port in (self.stack.port, self._fleet.port):
            try:
                socket.create_connection((LOCAL, port), timeout=5).close()
            except OSError:
                return False
        return True

    @property
    def _fleet(self) -> Fleet:
        fleet = read_fleet(self.stack.state_dir)
        assert fleet is not None
        return fleet

    def slow_agents(self, seconds: float) -> None:
        """So long each thinks from now on, until it is killed: else an order is under way for so
        short a time that hardly any kill would meet one."""
        fleet = self._fleet
        order = json.dumps({"state": "slow", "seconds": seconds})
        with contextlib.closing(http.client.HTTPConnection(LOCAL, fleet.port, timeout=60)) as line:
            for index in range(1, fleet.agents + 1):
                line.request("POST", f"/control/agents/{index}", order)
                line.getresponse().read()


def _signed_in() -> str:
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client()
    client.force_login(User.objects.get(username="demo"))
    return f"session={client.cookies['session'].value}"
