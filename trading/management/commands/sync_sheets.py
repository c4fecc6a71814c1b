"""Writes the fleet and its closed trades to Google Sheets now."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from trading import sheets


class Command(BaseCommand):
    help = (
        "Writes the fleet and its closed trades to the desk's spreadsheet at Google now; needs no "
        "worker. Exit status 1 when it failed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="open the spreadsheet and write nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        result = sheets.sync_all(dry_run=options["dry_run"])
        if not result.ok:
            raise CommandError(result.sentence, returncode=1)
        self.stdout.write(result.sentence)
