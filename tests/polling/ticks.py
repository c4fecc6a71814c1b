"""Ticks of the queues as a test wants them, and what they write."""

import re
import threading
import time
from collections.abc import Callable
from datetime import timedelta

from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Agent
from accounts.polling import poller


def make_due(*agents: Agent) -> None:
    rows = Agent.objects.filter(pk__in=[agent.pk for agent in agents]) if agents else Agent.objects
    rows.update(next_poll_at=timezone.now() - timedelta(seconds=1))


def poll() -> int:
    """A tick of both queues, everybody being due."""
    make_due()
    return poller.poll_due(reachable=True) + poller.poll_due(reachable=False)


def writes(queries: CaptureQueriesContext) -> list[str]:
    sql = [query["sql"] for query in queries]
    return [line for line in sql if re.search(r"^(\d+ times: )?(INSERT|UPDATE|DELETE)", line)]


def wait_until(holds: Callable[[], bool], seconds: float = 8) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to hold"
        time.sleep(0.005)


def run_at_once(function: Callable[[], None], count: int) -> None:
    threads = [threading.Thread(target=function) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
