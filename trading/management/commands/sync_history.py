"""Reads the history of accounts from their agents now."""

from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import Account
from mt5monitor.terminal import progress, table
from trading import history

HEADINGS = ("Account", "Result", "Deals", "Trades", "What")


class Command(BaseCommand):
    help = (
        "Reads closed trades and deals from the agents now, of all accounts that have an enabled "
        "one or of those named; needs no worker. Exit status 1 when any of them failed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("number", type=int, nargs="*", metavar="NUMBER", help="of an account")
        parser.add_argument(
            "--whole", action="store_true", help="all of it anew, not only what came since"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        accounts = _accounts(options["number"])
        bar = self.stdout.isatty()
        outcomes = []
        reading = _read(accounts, whole=options["whole"])
        for outcome in progress(reading, len(accounts), bar=bar, what="Reading history"):
            outcomes.append(outcome)
            if not bar:
                self.stdout.write(f"{outcome.number}: {outcome.words}")
        outcomes.sort(key=lambda outcome: (outcome.ok, outcome.number))
        self.stdout.write(table(HEADINGS, map(_row, outcomes)), ending="")
        failed = sum(not outcome.ok for outcome in outcomes)
        if failed:
            raise CommandError(f"{failed} of {len(outcomes)} accounts failed.", returncode=1)
        self.stdout.write(f"{len(outcomes)} account{'' if len(outcomes) == 1 else 's'} read.")


def _read(accounts: list[Account], *, whole: bool) -> Iterator[history.Outcome]:
    for account in accounts:
        yield history.sync(account, whole=whole)


def _row(outcome: history.Outcome) -> tuple[str, ...]:
    result = "ok" if outcome.ok else "failed"
    return str(outcome.number), result, str(outcome.deals), str(outcome.trades), outcome.words


def _accounts(numbers: list[int]) -> list[Account]:
    """Those named, or all that can be asked. Raises CommandError listing what is not known."""
    accounts = Account.objects.select_related("agent")
    if not numbers:
        return list(accounts.filter(agent__enabled=True))
    named = list(accounts.filter(number__in=numbers))
    unknown = sorted(set(numbers) - {account.number for account in named})
    if unknown:
        raise CommandError("\n".join(f"There is no account {number}." for number in unknown))
    return named
