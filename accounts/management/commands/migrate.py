"""Django's migrate, which may take longer over a statement than the site allows."""

from typing import Any

from django.core.management.commands import migrate

from mt5monitor.database import unhurried


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        with unhurried():
            super().handle(*args, **options)
