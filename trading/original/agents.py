"""Agents of the original: added where there is none at that URL, and never changed."""

from accounts.agent_import import Item, normal_url
from accounts.models import Agent
from trading.original.hands import taken_agents
from trading.original.plan import Plan
from trading.original.report import Done, Kind, Report


def plan_agents(items: list[Item], plan: Plan, report: Report) -> None:
    by_name = {agent.name: agent for agent in Agent.objects.all()}
    by_url = {normal_url(agent.url): agent for agent in by_name.values()}
    taken = taken_agents()
    for item in items:
        named, placed = by_name.get(item.name), by_url.get(item.url)
        if placed is not None and (named is None or named == placed):
            here = "" if named else f", under the name {placed.name}"
            report.add(Kind.AGENTS, item.name, Done.KEPT, f"{item.url} is here already{here}")
        elif (item.name, item.url) in taken:
            why = "taken before; somebody moved, renamed or deleted it here since"
            report.add(Kind.AGENTS, item.name, Done.KEPT, why)
        elif placed is not None:
            why = f"its URL {item.url} is that of agent {placed.name}, its name another one's"
            report.add(Kind.AGENTS, item.name, Done.SKIPPED, f"{why}: rename one of them")
        elif named is not None:
            why = f"an agent of that name is at {named.url}, and this one at {item.url}"
            report.add(Kind.AGENTS, item.name, Done.SKIPPED, f"{why}: rename one of them")
        else:
            plan.agents.append(Agent(**item.values, contract="1", trading_enabled=False))
            report.add(Kind.AGENTS, item.name, Done.TAKEN, f"{item.url}, contract 1, trading off")
