"""Which agent an account belongs to. Nothing is ever swapped silently: doubt is a conflict.

An account is a login at a server. Brokers number their logins each by itself, so equal numbers at
two servers are two accounts. Agents of contract 1 report no server: a login of theirs that another
agent has may be the same account or another one, and only a person can say which. An agent takes
as many accounts as are expected of it; those that it reports beyond wait for a person, too.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from accounts.agents import AccountReading, Reading
from accounts.models import Account, Agent, Conflict

Known = Mapping[int, Sequence[Account]]
DISPUTES_MOST = 50
"""Of one agent, that are kept; an agent that reports a thousand accounts makes no thousand rows."""


class Dispute(NamedTuple):
    kind: Conflict.Kind
    server: str


@dataclass
class Claims:
    """What an agent reports, sorted by whether it may be written."""

    own: list[tuple[Account, AccountReading]] = field(default_factory=list)
    adopted: list[tuple[Account, AccountReading]] = field(default_factory=list)
    new: list[AccountReading] = field(default_factory=list)
    disputed: dict[int, Dispute] = field(default_factory=dict)
    unlisted: int = 0
    """Disputes beyond DISPUTES_MOST, those of the highest numbers: left out of `disputed`."""
    unreported: list[Account] = field(default_factory=list)


def sort_claims(agent: Agent, reading: Reading, own: Iterable[Account], known: Known) -> Claims:
    """`own`: the agent's accounts so far; `known`: by number those and all that have a number that
    is reported."""
    own = list(own)
    meant = [(told, _meant(agent, told, known.get(told.number, ()))) for told in reading.accounts]
    reported = [row for _, row in meant]
    claims = Claims(unreported=[account for account in own if account not in reported])
    # An agent with one account that reports another one was logged in elsewhere; a list that still
    # holds all that it held has grown.
    may_take = not own or (reading.is_list and not claims.unreported)
    room = max(agent.accounts_expected - len(own), 0)
    for told, row in meant:
        is_expected = len(claims.new) + len(claims.adopted) < room
        _sort(claims, agent, told, row, may_take=may_take, is_expected=is_expected)
    _limit_disputes(claims)
    return claims


def _limit_disputes(claims: Claims) -> None:
    """The same ones each time, so that rows stay where nothing changes."""
    claims.unlisted = max(len(claims.disputed) - DISPUTES_MOST, 0)
    if claims.unlisted:
        claims.disputed = dict(sorted(claims.disputed.items())[:DISPUTES_MOST])


def _meant(
    agent: Agent, told: AccountReading, rows: Sequence[Account]
) -> Account | Conflict.Kind | None:
    """The row of a reported account; None when it has none yet; a kind of conflict when that is
    for a person to say. `rows`: all accounts of its number."""
    exact = next((row for row in rows if told.server and is_server(row, told.server)), None)
    if exact is not None:
        return exact
    own = next((row for row in rows if row.agent_id == agent.pk), None)
    if own is not None:
        # It keeps its row when it is read over the other contract.
        return own if not (own.server and told.server) else Conflict.Kind.OTHER_SERVER
    possible = [row for row in rows if not (row.server and told.server)]
    if any(row.agent is not None and row.agent.enabled for row in possible):
        return Conflict.Kind.TWO_AGENTS
    if possible and len(rows) > 1:
        return Conflict.Kind.UNCLEAR
    return possible[0] if possible else None


def is_server(account: Account, server: str) -> bool:
    """Servers are named as terminals show them, or as a person typed that."""
    return account.server.casefold() == server.casefold()


def _sort(
    claims: Claims,
    agent: Agent,
    told: AccountReading,
    row: Account | Conflict.Kind | None,
    *,
    may_take: bool,
    is_expected: bool,
) -> None:
    if isinstance(row, Account) and row.agent_id == agent.pk:
        claims.own.append((row, told))
    elif not agent.enabled:
        return  # switched off while it was asked: what it held may be another's by now
    elif isinstance(row, Conflict.Kind):
        claims.disputed[told.number] = Dispute(row, told.server)
    elif row is not None and row.agent is not None and row.agent.enabled:
        claims.disputed[told.number] = Dispute(Conflict.Kind.TWO_AGENTS, told.server)
    elif not may_take:
        claims.disputed[told.number] = Dispute(Conflict.Kind.OTHER_LOGIN, told.server)
    elif not is_expected:
        claims.disputed[told.number] = Dispute(Conflict.Kind.UNEXPECTED, told.server)
    elif row is None:
        claims.new.append(told)
    else:
        # Its agent was deleted or switched off: that settles it.
        claims.adopted.append((row, told))
