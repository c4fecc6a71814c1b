"""Which agent an account belongs to. Nothing is ever swapped silently: doubt is a conflict."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from accounts.agents import AccountReading, Reading
from accounts.models import Account, Agent, Conflict


@dataclass
class Claims:
    """What an agent reports, sorted by whether it may be written."""

    own: list[tuple[Account, AccountReading]] = field(default_factory=list)
    adopted: list[tuple[Account, AccountReading]] = field(default_factory=list)
    new: list[AccountReading] = field(default_factory=list)
    disputed: dict[int, Conflict.Kind] = field(default_factory=dict)
    unreported: list[Account] = field(default_factory=list)


def sort_claims(
    agent: Agent, reading: Reading, own: Iterable[Account], known: dict[int, Account]
) -> Claims:
    """`own`: the agent's accounts so far; `known`: those and every other reported account."""
    own = list(own)
    reported = {account.number for account in reading.accounts}
    claims = Claims(unreported=[account for account in own if account.number not in reported])
    # An agent with one account that reports another one was logged in elsewhere; a list that still
    # holds all that it held has grown.
    may_take = not own or (reading.is_list and not claims.unreported)
    for account in reading.accounts:
        _sort(claims, agent, account, known.get(account.number), may_take=may_take)
    return claims


def _sort(
    claims: Claims, agent: Agent, reading: AccountReading, row: Account | None, *, may_take: bool
) -> None:
    if row is not None and row.agent_id == agent.pk:
        claims.own.append((row, reading))
    elif not agent.enabled:
        return  # switched off while it was asked: what it held may be another's by now
    elif row is not None and row.agent is not None and row.agent.enabled:
        claims.disputed[reading.number] = Conflict.Kind.TWO_AGENTS
    elif not may_take:
        claims.disputed[reading.number] = Conflict.Kind.OTHER_LOGIN
    elif row is None:
        claims.new.append(reading)
    else:
        # Its agent was deleted or switched off: that settles it.
        claims.adopted.append((row, reading))
