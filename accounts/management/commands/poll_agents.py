"""Polls the agents that are due, in this process."""

import contextlib
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import Min
from django.utils import timezone

from accounts import polling
from accounts.models import Agent
from mt5monitor.database import FAULTS, reconnect, words

EVERY_S = 1.0


class Command(BaseCommand):
    help = "Polls the agents that are due, once or every second until it is stopped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="poll those due now, then end")

    def handle(self, *args: Any, **options: Any) -> None:
        if not self._tick() and options["once"]:
            self.stdout.write(_next_due())
        # Ctrl-C is how it is stopped, and no error.
        with contextlib.suppress(KeyboardInterrupt):
            while not options["once"]:
                time.sleep(EVERY_S)
                self._tick_again()

    def _tick_again(self) -> None:
        """The next one is a second away, should the database fail in this one."""
        try:
            self._tick()
        except FAULTS as fault:
            self.stderr.write(f"This tick failed: {words(fault)}")
            reconnect()

    def _tick(self) -> int:
        """How many were polled."""
        reachable = polling.poll_due(reachable=True)
        unreachable = polling.poll_due(reachable=False)
        self.stdout.write(f"Polled {reachable} reachable and {unreachable} unreachable agents.")
        return reachable + unreachable


def _next_due() -> str:
    enabled = Agent.objects.filter(enabled=True)
    due = enabled.aggregate(due=Min("next_poll_at"))["due"]
    if due is None:
        return "No agent is enabled."
    wait = max((due - timezone.now()).total_seconds(), 0)
    return f"None was due; the next one is in {wait:.0f} s. refresh_accounts reads all of them now."
