"""Writes docs/operations/settings.md. No other app belongs to the project itself."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from mt5monitor.declared import DECLARED
from mt5monitor.settings_page import page

PAGE = "docs/operations/settings.md"


class Command(BaseCommand):
    help = f"Write the page of all settings, {PAGE}, from their declarations."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="write nothing; fail when the page differs"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path, text = settings.BASE_DIR / PAGE, page(DECLARED.values())
        is_current = path.exists() and path.read_text(encoding="utf-8") == text
        if options["check"] and not is_current:
            raise CommandError(
                f"{PAGE} differs from the declarations: run manage.py settings_page."
            )
        if not is_current:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        self.stdout.write(f"{PAGE} {'is up to date' if is_current else 'was written'}.")
