from typing import Any

from django.core.management.base import BaseCommand, CommandError

from mt5monitor.hosts import keys
from mt5monitor.hosts.unfit import Unfit


class Command(BaseCommand):
    help = (
        "Accept the keys that this host has now, after they were changed on purpose. What was "
        "signed or encrypted with the old ones is lost: sessions end, and secrets of agents and "
        "second factors are to be entered again. With the old keys at hand, keep them as further "
        "keys instead; see README, Several hosts."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            forgotten = keys.accept()
        except Unfit as error:
            raise CommandError(f"{error}") from error
        if not forgotten:
            self.stdout.write("These keys are the ones in use. Nothing was changed.")
            return
        self.stdout.write(f"Keys accepted. Forgotten: those of {', '.join(forgotten)}.")
