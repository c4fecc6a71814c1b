"""Holder, firm and initial balance: told by the agent once, then the people's own."""

from decimal import Decimal
from typing import Any

import pytest

from accounts.models import Account, Agent
from tests.polling.ticks import poll
from tests.scripted_fleet import ScriptedFleet, told

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def seeds() -> tuple[Any, ...]:
    account = Account.objects.select_related("firm").get()
    return account.holder, account.firm and account.firm.name, account.initial_balance


def test_what_a_person_cleared_is_not_filled_again(fleet: ScriptedFleet) -> None:
    fleet.make_agents(1)
    poll()
    assert seeds() == ("Ana Ruiz", "North", Decimal(100000))
    Account.objects.update(holder="", firm=None, initial_balance=None)
    fleet.replies[1] = told(1, balance=98000.0)
    poll()
    assert Account.objects.get().balance == Decimal("98000.00")
    assert seeds() == ("", None, None)


def test_what_a_person_wrote_before_the_agent_told_it_is_theirs_to_clear_too(
    fleet: ScriptedFleet,
) -> None:
    fleet.make_agents(1)
    silent = {"account_holder": "Unknown", "prop_firm": "N/A", "initial_balance": None}
    fleet.replies[1] = told(1, **silent)
    poll()
    Account.objects.update(holder="Eva")
    fleet.replies[1] = told(1)
    poll()
    assert seeds() == ("Eva", "North", Decimal(100000))
    Account.objects.update(holder="")
    poll()
    assert seeds() == ("", "North", Decimal(100000))


def test_each_column_is_filled_when_it_is_first_told(fleet: ScriptedFleet) -> None:
    fleet.make_agents(1)
    fleet.replies[1] = told(1, prop_firm="N/A", initial_balance=None)
    poll()
    assert seeds() == ("Ana Ruiz", None, None)
    Account.objects.update(holder="")
    Agent.objects.update(prop_firm="South", initial_balance=Decimal(50000))
    poll()
    assert seeds() == ("", "South", Decimal(50000))
