from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from mt5monitor.hosts import keys
from mt5monitor.hosts.entry import unusable
from mt5monitor.hosts.unfit import Unfit


class Command(BaseCommand):
    help = (
        "Accept the keys that this host has now, after the old ones were lost. All sessions end; "
        "enter the secrets of agents and set up second factors again. If you still have the old "
        "keys, keep them as older keys instead: see docs/operations/hosts.md."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            forgotten = keys.accept()
        except Unfit as error:
            raise CommandError(f"{error}") from error
        except DatabaseError as error:
            raise CommandError(unusable(error)) from error
        if not forgotten:
            self.stdout.write("These keys are the ones in use. Nothing was changed.")
            return
        self.stdout.write(f"Keys accepted. Forgotten: those of {', '.join(forgotten)}.")
