"""Holder, firm and initial balance: taken from the agent where people have said nothing yet.

These columns belong to people. They are filled only while empty, by an UPDATE that says so itself,
so that an edit made in the same moment wins.
"""

from decimal import Decimal
from typing import Any

from accounts.agents import AccountReading
from accounts.models import Account, Agent, Firm


class Seeds:
    def __init__(self) -> None:
        self._holders: dict[int, str] = {}
        self._balances: dict[int, Decimal] = {}
        self._firms: dict[int, str] = {}
        self._firms_of_new: dict[int, str] = {}

    def __bool__(self) -> bool:
        return bool(self._holders or self._balances or self._firms)

    def for_new(self, agent: Agent, reading: AccountReading) -> dict[str, Any]:
        """The columns of a new account; its firm is linked by `link_firms`."""
        if firm := agent.prop_firm or reading.firm:
            self._firms_of_new[reading.number] = firm
        return {
            "holder": agent.account_holder or reading.holder,
            "initial_balance": _known(agent.initial_balance, reading.initial_balance),
        }

    def fill(self, account: Account, agent: Agent, reading: AccountReading) -> bool:
        """Notes what is missing on the row and told; whether there was any."""
        holder = agent.account_holder or reading.holder
        firm = agent.prop_firm or reading.firm
        balance = _known(agent.initial_balance, reading.initial_balance)
        if not account.holder and holder:
            self._holders[account.pk] = holder
        if account.firm_id is None and firm:
            self._firms[account.pk] = firm
        if account.initial_balance is None and balance is not None:
            self._balances[account.pk] = balance
        return any(account.pk in told for told in (self._holders, self._firms, self._balances))

    def link_firms(self, accounts: list[Account]) -> None:
        firms = _firms(set(self._firms_of_new.values()))
        for account in accounts:
            account.firm = firms.get(self._firms_of_new.get(account.number, ""))

    def write(self) -> None:
        for pk, holder in self._holders.items():
            Account.objects.filter(pk=pk, holder="").update(holder=holder)
        for pk, balance in self._balances.items():
            Account.objects.filter(pk=pk, initial_balance=None).update(initial_balance=balance)
        firms = _firms(set(self._firms.values()))
        for pk, name in self._firms.items():
            Account.objects.filter(pk=pk, firm=None).update(firm=firms[name])


def _known(*balances: Decimal | None) -> Decimal | None:
    """The first that is told and can be one: an initial balance of zero is none."""
    return next((balance for balance in balances if balance), None)


def _firms(names: set[str]) -> dict[str, Firm]:
    """Firms by name; those that nobody has heard of yet are made."""
    if not names:
        return {}
    firms = {firm.name: firm for firm in Firm.objects.filter(name__in=names)}
    for name in sorted(names - set(firms)):
        firms[name] = Firm.objects.get_or_create(name=name)[0]
    return firms
