"""Adds and changes agents from a file of the original system."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import agent_import
from accounts.models import Agent
from mt5monitor.terminal import table
from mt5monitor.text_file import NotText, decoded


class Command(BaseCommand):
    help = (
        'Imports agents from a JSON file: a list of {"name", "url"}, or {"agents": [{"name", '
        '"port", ...}]} with --host. All of it or nothing; agents are matched by name.'
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="the file, or - for standard input")
        parser.add_argument("--host", default="", help="where the ports of the file are")
        parser.add_argument("--scheme", choices=["http", "https"], default="http")
        parser.add_argument(
            "--contract",
            choices=Agent.Contract.values,
            default=Agent.Contract.V1.value,
            help="what new agents speak (default: 1)",
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would be done")

    def handle(self, *args: Any, **options: Any) -> None:
        source = agent_import.Source(options["host"], options["scheme"], options["contract"])
        run = agent_import.preview if options["dry_run"] else agent_import.import_agents
        try:
            plan = run(_text_of(options["file"]), source)
        except agent_import.ImportRefused as error:
            raise CommandError(f"Nothing was imported.\n{error}") from error
        self.stdout.write(table(["Agent", "URL", "What"], plan.rows()), ending="")
        if options["dry_run"]:
            self.stdout.write(f"Nothing was imported. It would be: {plan.counts()}")
        else:
            self.stdout.write(f"Imported: {plan.counts()}")


def _text_of(name: str) -> str:
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return decoded(data)
    except OSError as error:
        raise CommandError(f"Cannot read {name}: {error.strerror}.") from error
    except NotText as error:
        raise CommandError(f"{name} {error}") from error
