"""The whole import: reads the files, plans what they mean here, and writes the plan."""

from pathlib import Path

from django.contrib.auth.models import User

from trading.original.agents import plan_agents
from trading.original.applying import apply
from trading.original.files import read_all
from trading.original.labels import plan_labels
from trading.original.plan import Plan
from trading.original.report import Report
from trading.original.trades import plan_trades
from trading.original.versus import plan_versus


def move(env: Path, data: Path, user: User | None, *, dry_run: bool = False) -> Report:
    """Raises Stopped, and then nothing was written. Agents are asked, and only by reading, for
    versus whose stops are in pips."""
    report, plan = Report(), Plan()
    original = read_all(env, data, report)
    plan_agents(original.agents, plan, report)
    plan_labels(original.phases, original.groups, plan, report)
    plan_versus(original.versus, user, plan, report)
    plan_trades(original.trades, plan, report)
    if not dry_run:
        apply(plan, user)
    return report
