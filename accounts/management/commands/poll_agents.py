"""Polls the agents that are due, in this process."""

import contextlib
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from accounts import polling

EVERY_S = 1.0


class Command(BaseCommand):
    help = "Polls the agents that are due, once or every second until it is stopped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="poll those due now, then end")

    def handle(self, *args: Any, **options: Any) -> None:
        self._tick()
        # Ctrl-C is how it is stopped, and no error.
        with contextlib.suppress(KeyboardInterrupt):
            while not options["once"]:
                time.sleep(EVERY_S)
                self._tick()

    def _tick(self) -> None:
        reachable = polling.poll_due(reachable=True)
        unreachable = polling.poll_due(reachable=False)
        self.stdout.write(f"Polled {reachable} reachable and {unreachable} unreachable agents.")
