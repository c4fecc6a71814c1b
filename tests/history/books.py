"""Reading history at a desk, and the books of the venue that it is held against."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from accounts.agents import DealsReading
from accounts.agents.errors import TooLarge
from accounts.models import Account
from tests.trading.desk import Desk
from trading import history, wire
from trading.models import ClosedTrade

D = Decimal


def account_of(desk: Desk, contract: str) -> Account:
    return Account.objects.select_related("agent").get(pk=desk.accounts[contract].pk)


def read(desk: Desk, contract: str = "2", **how: Any) -> history.Outcome:
    outcome = history.sync(account_of(desk, contract), **how)
    assert outcome.ok, outcome.sentence
    return outcome


def books(desk: Desk, contract: str = "2") -> Decimal:
    """The balance, as the venue keeps it: whole cents."""
    return D(desk.venue.member(contract).terminal.account.balance_cents) / 100


def kept(model: Any = ClosedTrade) -> list[tuple[Any, ...]]:
    """All of the rows but when they were written, in a fixed order."""
    names = [f.attname for f in model._meta.concrete_fields if f.name not in ("id", "changed_at")]
    return sorted(model.objects.values_list(*names), key=repr)


def part_closed(desk: Desk) -> int:
    """A position of which 0.04 of 0.10 lots was closed by now."""
    ticket = desk.send().position_ticket
    assert ticket
    desk.send(kind="close", position=ticket, volume=D("0.04"))
    return ticket


def watched(monkeypatch: pytest.MonkeyPatch, most: int = 0) -> list[tuple[datetime, datetime]]:
    """The windows that agents are asked for; more than `most` deals in one are too many."""
    asked: list[tuple[datetime, datetime]] = []
    real = wire.history

    def asking(account: Account, since: datetime, until: datetime) -> DealsReading:
        told = real(account, since, until)
        if most and len(told.deals) > most:
            raise TooLarge("The answer lists too many deals.")
        asked.append((since, until))
        return told

    monkeypatch.setattr(wire, "history", asking)
    return asked
