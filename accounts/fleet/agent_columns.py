"""The columns of the page of agents, in their order. See columns.py for how to add one; the cells
are in templates/accounts/_agent_row.html."""

from datetime import datetime, timedelta
from typing import Final

from accounts.fleet import formatting
from accounts.fleet.column import Age, Align, Column, Own, Plain, Row, Sort
from accounts.fleet.states import agent_state
from accounts.models import Agent
from accounts.poll_log import Poll


def _name(row: Row, agent: Agent, now: datetime) -> None:
    row["name"] = str(agent)


def _contract(row: Row, agent: Agent, now: datetime) -> None:
    row["contract"] = agent.contract


def _state(row: Row, agent: Agent, now: datetime) -> None:
    row["state"], row["state_name"] = agent_state(agent)


def _since(row: Row, agent: Agent, now: datetime) -> None:
    row["since"] = agent.status_since
    row["since_unix"] = formatting.unix(agent.status_since)
    row["since_age"] = formatting.age(agent.status_since, now)


def _latency(row: Row, agent: Agent, now: datetime) -> None:
    row["latency"] = latency(row["poll"])


def latency(poll: Poll | None) -> str:
    return formatting.unknown("No recent poll") if poll is None else f"{poll.latency_ms:,.0f} ms"


def _failures(row: Row, agent: Agent, now: datetime) -> None:
    row["failures"] = str(agent.failures)


def _error(row: Row, agent: Agent, now: datetime) -> None:
    row["reason"], row["code"] = agent.status_reason, agent.status_code


def _age(row: Row, agent: Agent, now: datetime) -> None:
    row["age"] = formatting.last_seen(agent.last_seen_at, now)


def _next(row: Row, agent: Agent, now: datetime) -> None:
    row["next"] = formatting.unix(agent.next_poll_at) if agent.enabled else ""
    row["next_in"] = next_in(agent, now)
    row["urgency"] = agent.urgency if agent.enabled else ""
    row["every"] = f"Every {agent.interval.total_seconds():g} s: {agent.interval_reason}"


def next_in(agent: Agent, now: datetime) -> str:
    """Until the next poll, to the second; "now" when less than a second is left."""
    if not agent.enabled:
        return formatting.unknown("Not polled: the agent is not enabled")
    left = agent.next_poll_at - now
    return "now" if left < timedelta(seconds=1) else f"in {formatting.span(left)}"


def _accounts(row: Row, agent: Agent, now: datetime) -> None:
    row["accounts"] = [(account.key, account.title) for account in agent.accounts.all()]


AGENTS: Final[tuple[Column[Agent], ...]] = (
    Column("name", "Agent", Own(_name, align=Align.LEFT), sort=Sort(["name"]), on_phones=True),
    Column(
        "contract", "Contract", Plain(_contract, align=Align.LEFT), sort=Sort(["contract", "name"])
    ),
    Column(
        "state",
        "State",
        Own(_state, align=Align.LEFT),
        sort=Sort(["status", "name"]),
        on_phones=True,
    ),
    Column(
        "since",
        "Since",
        Own(_since),
        hint="How long it has been in this state",
        # The least time ago comes first, which is the latest moment.
        sort=Sort(["status_since"], turned=True),
    ),
    Column("latency", "Latency", Plain(_latency), on_phones=True),
    Column(
        "failures",
        "Failures",
        Own(_failures),
        hint="In a row",
        sort=Sort(["failures"], largest_first=True),
        on_phones=True,
    ),
    Column(
        "error",
        "Last error",
        Own(_error, align=Align.LEFT),
        sort=Sort(["status_code"]),
        on_phones=True,
    ),
    Column(
        "age",
        "Last seen",
        Age(_age),
        hint="Last good answer",
        sort=Sort(["last_seen_at"], largest_first=True, turned=True),
        on_phones=True,
    ),
    Column("next", "Next poll", Own(_next), sort=Sort(["next_poll_at"]), on_phones=True),
    Column("numbers", "Accounts", Own(_accounts, align=Align.LEFT), on_phones=True),
    Column("do", "Refresh", Own(), label_hidden=True, on_phones=True),
)
