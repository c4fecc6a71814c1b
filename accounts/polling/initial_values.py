"""Holder, firm and initial balance: taken from the agent when it tells them for the first time.

These columns belong to people. Each is filled once at most, while nobody has said anything, by an
UPDATE that says so itself, so that an edit made in the same moment wins; afterwards an empty one is
what a person wanted.
"""

from collections.abc import Iterable
from typing import Any

from accounts.agents import AccountReading
from accounts.models import Account, Agent, Firm

EMPTY = {"holder": "", "firm": None, "initial_balance": None}


def told(agent: Agent, reading: AccountReading) -> dict[str, Any]:
    """What is told, by column of Account; a firm by its name. An initial balance of 0 is none."""
    seeds = {
        "holder": agent.account_holder or reading.holder,
        "firm": agent.prop_firm or reading.firm,
        "initial_balance": agent.initial_balance or reading.initial_balance,
    }
    return {name: value for name, value in seeds.items() if value}


class Seeds:
    def __init__(self) -> None:
        self._known: dict[int, tuple[Account, dict[str, Any]]] = {}
        self._new: dict[tuple[int, str], dict[str, Any]] = {}  # by number and server

    def __bool__(self) -> bool:
        return bool(self._known)

    def fill(self, account: Account, agent: Agent, reading: AccountReading) -> bool:
        """Notes what is told for the first time; whether any of it shows on the row."""
        seeds = told(agent, reading)
        first = {name: seeds[name] for name in seeds if name not in account.seeded}
        if first:
            self._known[account.pk] = account, first
        return any(getattr(account, name) == EMPTY[name] for name in first)

    def fill_new(self, account: Account, agent: Agent, reading: AccountReading) -> None:
        self._new[account.number, account.server] = told(agent, reading)

    def set_on(self, accounts: list[Account]) -> None:
        """Sets on accounts that are about to be written what `fill_new` noted for them."""
        firms = _firms(self._new.values())
        for account in accounts:
            seeds = self._new[account.number, account.server]
            for name, value in seeds.items():
                setattr(account, name, firms[value] if name == "firm" else value)
            account.seeded = sorted(seeds)

    def write(self) -> None:
        firms = _firms(first for _, first in self._known.values())
        for account, first in self._known.values():
            rows = Account.objects.filter(pk=account.pk)
            for name, value in first.items():
                seed = firms[value] if name == "firm" else value
                rows.filter(**{name: EMPTY[name]}).update(**{name: seed})
            rows.update(seeded=sorted({*account.seeded, *first}))


def _firms(seeds: Iterable[dict[str, Any]]) -> dict[str, Firm]:
    """Firms by name; those that nobody has heard of yet are made."""
    names = {row["firm"] for row in seeds if "firm" in row}
    if not names:
        return {}
    firms = {firm.name: firm for firm in Firm.objects.filter(name__in=names)}
    for name in sorted(names - set(firms)):
        firms[name] = Firm.objects.get_or_create(name=name)[0]
    return firms
