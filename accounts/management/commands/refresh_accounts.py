"""Reads accounts from their agents now."""

from argparse import ArgumentParser
from collections import defaultdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q

from accounts import polling
from accounts.models import Account, Agent
from accounts.polling import Outcome
from mt5monitor.terminal import progress, table


class Command(BaseCommand):
    help = (
        "Reads accounts from their agents now, all of the enabled ones or those named; needs no "
        "worker. Exit status 1 when any of them failed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--account", type=int, action="append", default=[], metavar="N", help="its number"
        )
        parser.add_argument("--agent", action="append", default=[], metavar="NAME", help="its name")

    def handle(self, *args: Any, **options: Any) -> None:
        agents = _agents(options["account"], options["agent"])
        bar = self.stdout.isatty()
        outcomes = []
        for outcome in progress(polling.refresh(agents), len(agents), bar=bar):
            outcomes.append(outcome)
            if not bar:
                self.stdout.write(f"{outcome.agent_name}: {outcome.sentence}")
        outcomes.sort(key=lambda outcome: (outcome.ok, outcome.agent_name))
        self.stdout.write(table(HEADINGS, map(_row, outcomes)), ending="")
        failed = sum(not outcome.ok for outcome in outcomes)
        if failed:
            raise CommandError(f"{failed} of {len(outcomes)} agents failed.", returncode=1)
        self.stdout.write(f"{len(outcomes)} agent{'' if len(outcomes) == 1 else 's'} read.")


HEADINGS = ("Agent", "Result", "ms", "What")


def _row(outcome: Outcome) -> tuple[str, ...]:
    result = "ok" if outcome.ok else outcome.code
    return outcome.agent_name, result, f"{outcome.latency_ms:.0f}", outcome.sentence


def _agents(numbers: list[int], names: list[str]) -> list[Agent]:
    """Those named, or all that are enabled. Raises CommandError listing what is not known."""
    if not numbers and not names:
        return list(Agent.objects.filter(enabled=True))
    agents_of = defaultdict[int, set[int | None]](set)  # several where they share the number
    for number, agent in Account.objects.filter(number__in=numbers).values_list("number", "agent"):
        agents_of[number].add(agent)
    known = set(Agent.objects.filter(name__in=names).values_list("name", flat=True))
    problems = [f"There is no account {number}." for number in numbers if number not in agents_of]
    problems += [
        f"Account {number} has no agent that could be asked."
        for number in numbers
        if agents_of.get(number) == {None}
    ]
    problems += [f"There is no agent {name}." for name in names if name not in known]
    if problems:
        raise CommandError("\n".join(problems))
    asked = set().union(*agents_of.values()) - {None}
    return list(Agent.objects.filter(Q(pk__in=asked) | Q(name__in=known)))
