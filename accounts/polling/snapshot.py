"""The rows that a batch of replies is compared with, in a constant number of queries."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q

from accounts.models import Account, Agent, Conflict, Position
from accounts.polling.poll_result import Result


@dataclass(frozen=True)
class Snapshot:
    agents: dict[int, Agent]
    accounts: dict[int, list[Account]]
    """By number: the accounts of these agents, and all of the numbers that they reported."""
    of_agent: dict[int, list[Account]]
    positions: dict[int, dict[int, Position]]
    """By account's primary key, then by ticket."""
    conflicts: dict[int, dict[int, Conflict]]
    """By agent's id, then by account number."""

    @classmethod
    def of(cls, batch: Sequence[Result]) -> "Snapshot":
        ids = [result.agent_id for result in batch]
        reported = {
            account.number
            for result in batch
            if result.reading
            for account in result.reading.accounts
        }
        accounts = list(
            Account.objects.filter(Q(agent__in=ids) | Q(number__in=reported)).for_rows()
        )
        return cls(
            agents=Agent.objects.in_bulk(ids),
            accounts=_by_number(accounts),
            of_agent=_by_agent(accounts),
            positions=_positions(accounts, batch),
            conflicts=_conflicts(ids),
        )


def _by_number(accounts: list[Account]) -> dict[int, list[Account]]:
    found: dict[int, list[Account]] = defaultdict(list)
    for account in accounts:
        found[account.number].append(account)
    return found


def _by_agent(accounts: list[Account]) -> dict[int, list[Account]]:
    found: dict[int, list[Account]] = defaultdict(list)
    for account in accounts:
        if account.agent_id is not None:
            found[account.agent_id].append(account)
    return found


def _positions(accounts: list[Account], batch: Sequence[Result]) -> dict[int, dict[int, Position]]:
    """Read only for the accounts whose positions this batch tells."""
    told = {
        account.number
        for result in batch
        if result.reading
        for account in result.reading.accounts
        if account.positions is not None
    }
    ids = [account.pk for account in accounts if account.number in told]
    found: dict[int, dict[int, Position]] = defaultdict(dict)
    if ids:
        for position in Position.objects.filter(account__in=ids):
            found[position.account_id][position.ticket] = position
    return found


def _conflicts(ids: list[int]) -> dict[int, dict[int, Conflict]]:
    found: dict[int, dict[int, Conflict]] = defaultdict(dict)
    for conflict in Conflict.objects.filter(agent__in=ids):
        found[conflict.agent_id][conflict.number] = conflict
    return found
