"""Moves a desk that ran the original system into this one."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from trading.original.moving import move
from trading.original.strict import Stopped


class Command(BaseCommand):
    help = (
        "Takes agents, phases, VS groups, versus that wait and closed trades from the files of the "
        "original system: everything or nothing. May be run again; what people edited here stays."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--env", required=True, type=Path, metavar="FILE", help="its .env")
        parser.add_argument(
            "--data",
            required=True,
            type=Path,
            metavar="DIR",
            help="its folder data, app, or the one around both",
        )
        parser.add_argument(
            "--user", default="", metavar="NAME", help="who runs the versus that wait"
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would be done")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            user = _user(options["user"])
            report = move(options["env"], options["data"], user, dry_run=options["dry_run"])
        except Stopped as stopped:
            raise CommandError(f"Nothing was imported.\n{stopped}") from stopped
        self.stdout.write(report.text())
        begin = "Nothing was imported. It would be" if options["dry_run"] else "Imported"
        self.stdout.write(f"{begin}: {report.totals()}")


def _user(name: str) -> User | None:
    """Raises Stopped."""
    if not name:
        return None
    user = User.objects.filter(username=name).first()
    if user is None:
        raise Stopped(f"--user: there is no user {name}.")
    return user
