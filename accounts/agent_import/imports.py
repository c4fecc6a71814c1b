"""Agents from a file: all of it or nothing.

An item is matched to an agent by its name. What an item does not tell stays as it is.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from simple_history.utils import bulk_create_with_history

from accounts.agent_import.agent_file import FIELDS, ImportRefused, Item, Source, normal_url, read
from accounts.changes import write_changes
from accounts.live.publishing import publish_agents
from accounts.models import Agent
from accounts.models.agent import AWAITS_ORDERS

__all__ = ["ImportRefused", "Plan", "Source", "import_agents", "normal_url", "preview"]


@dataclass
class Plan:
    """What an import does, or did."""

    added: list[Agent] = field(default_factory=list)
    changed: list[tuple[Agent, dict[str, Any]]] = field(default_factory=list)
    cleared: set[str] = field(default_factory=set)
    """Names of the agents whose secret goes with their old URL."""
    stopped: set[str] = field(default_factory=set)
    """Names of the agents through which trading is switched off, for the same reason."""
    left: list[Agent] = field(default_factory=list)

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """(name, URL, what is done) of each agent of the file, for a table."""
        for agent in self.added:
            yield agent.name, agent.url, "added"
        for agent, values in self.changed:
            what = ", ".join(str(FIELDS[name].verbose_name) for name in values)
            yield agent.name, values.get("url", agent.url), f"changed: {what}{self._note(agent)}"
        for agent in self.left:
            yield agent.name, agent.url, "left"

    def _note(self, agent: Agent) -> str:
        notes = ["its secret is cleared"] if agent.name in self.cleared else []
        notes += ["trading through it is switched off"] if agent.name in self.stopped else []
        return f" ({', '.join(notes)})" if notes else ""

    def counts(self) -> str:
        return f"{len(self.added)} added, {len(self.changed)} changed, {len(self.left)} left."


def import_agents(text: str, source: Source) -> Plan:
    """Adds and changes agents as the file says. Raises ImportRefused, and then does nothing."""
    items = read(text, source)
    try:
        with transaction.atomic():
            plan = compare(items, source)
            _apply(plan)
    except IntegrityError as error:
        raise ImportRefused(["Somebody else edited these agents just now; try again."]) from error
    return plan


def preview(text: str, source: Source) -> Plan:
    """What import_agents would do. Raises ImportRefused as it would."""
    return compare(read(text, source), source)


def compare(items: list[Item], source: Source) -> Plan:
    """What differs from the agents that there are. Raises ImportRefused when two would clash."""
    by_name = {agent.name: agent for agent in Agent.objects.all()}
    by_url = {normal_url(agent.url): agent for agent in by_name.values()}
    problems = [
        f"{item.place}: url {item.url!r} is that of agent {owner.name}."
        for item in items
        if (owner := by_url.get(item.url)) is not None and owner.name != item.name
    ]
    if problems:
        raise ImportRefused(problems)
    plan = Plan()
    for item in items:
        agent = by_name.get(item.name)
        if agent is None:
            plan.added.append(Agent(**item.values, contract=source.contract))
        elif values := _differing(agent, item):
            if "url" in values and agent.awaits_orders():
                problems.append(f"{item.place}: agent {agent.name}: {AWAITS_ORDERS}")
            plan.changed.append((agent, values))
            if "url" in values and agent.secret_encrypted is not None:
                plan.cleared.add(agent.name)
            if "url" in values and agent.trading_enabled:
                plan.stopped.add(agent.name)
        else:
            plan.left.append(agent)
    if problems:
        raise ImportRefused(problems)
    return plan


def _differing(agent: Agent, item: Item) -> dict[str, Any]:
    values = {name: new for name, new in item.values.items() if getattr(agent, name) != new}
    if normal_url(agent.url) == item.url:
        values.pop("url", None)
    return values


def _apply(plan: Plan) -> None:
    if plan.added:
        bulk_create_with_history(plan.added, Agent)
    written = [(agent.pk, _set(agent, values)) for agent, values in plan.changed]
    write_changes(Agent, written)
    Agent.history.bulk_history_create([agent for agent, _ in plan.changed], update=True)
    publish_agents([agent.pk for agent in plan.added] + [pk for pk, _ in written])


def _set(agent: Agent, values: dict[str, Any]) -> dict[str, Any]:
    """Sets the values on the row; returns the columns to write, with what the URL entails."""
    columns = dict(values)
    for name, value in values.items():
        if name != "url":
            setattr(agent, name, value)
    if "url" in values:
        agent.move_to(values["url"])
        columns |= {name: getattr(agent, name) for name in Agent.OF_THE_ADDRESS}
        columns["next_poll_at"] = timezone.now()
    return columns
