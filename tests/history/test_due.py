"""Whose history is read when, and what is kept of a reading that failed."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Account, Agent
from tests.factories import make_account, make_online_agent
from tests.history.books import account_of, read
from tests.trading.desk import Desk
from trading import history
from trading.history import claims, syncing
from trading.models import ClosedTrade, Deal, HistorySync

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
D = Decimal


def test_a_failure_is_kept_with_its_reason_and_since_when(desk: Desk) -> None:
    desk.venue.steer("2", state="down")
    account = account_of(desk, "2")
    first = history.sync(account)
    since = HistorySync.objects.get().failing_since
    again = history.sync(account)
    assert not first.ok
    assert not again.ok
    sync = HistorySync.objects.get()
    assert since is not None
    assert (sync.failing_since, sync.reason) == (since, again.sentence)
    assert (sync.synced_at, sync.claimed_until) == (None, None)
    assert account not in syncing.due(timezone.now())
    HistorySync.objects.update(attempted_at=timezone.now() - claims.RETRY_AFTER)
    assert account in syncing.due(timezone.now())
    desk.venue.steer("2", state="up")
    read(desk)
    sync.refresh_from_db()
    assert (sync.failing_since, sync.reason) == (None, "")


def test_another_login_at_the_terminal_is_not_taken_for_the_accounts(desk: Desk) -> None:
    account = account_of(desk, "2")
    Account.objects.filter(pk=account.pk).update(number=account.number + 1)
    outcome = history.sync(account_of(desk, "2"))
    assert (outcome.ok, Deal.objects.count()) == (False, 0)
    assert "Another account is logged in" in outcome.sentence


@pytest.mark.parametrize("agent", [None, {"enabled": False}])
def test_nobody_is_asked_who_is_not_to_be_asked(agent: dict[str, Any] | None) -> None:
    account = make_account(agent=None if agent is None else make_online_agent(**agent))
    progress = timezone.now()
    HistorySync.objects.create(account=account, contract="2", read_until=progress)
    outcome = history.sync(account)
    assert outcome.sentence == "No agent that is enabled reports this account."
    assert HistorySync.objects.get().read_until == progress


def test_accounts_are_due_when_they_show_something_else_or_after_an_hour() -> None:
    now = timezone.now()
    account = make_account(open_positions=2)

    def is_due(at: datetime = now) -> bool:
        return account in syncing.due(at)

    assert is_due()
    seen = {"contract": account.agent.contract if account.agent else "", "read_until": now}
    seen |= {"balance": account.balance, "open_positions": 2, "synced_at": now}
    sync = HistorySync.objects.create(account=account, **seen)
    assert not is_due()
    HistorySync.objects.update(synced_at=now - timedelta(minutes=61))
    assert is_due()
    HistorySync.objects.update(synced_at=now)
    for column, value in {"balance": D(1), "open_positions": 3, "contract": "2"}.items():
        HistorySync.objects.update(**{column: value})
        assert is_due(), column
        HistorySync.objects.update(**{column: seen[column]})
    Account.objects.update(open_positions=None)
    assert not is_due()  # it could not be read: that is no change
    HistorySync.objects.update(balance=D(1), claimed_until=now + timedelta(seconds=1))
    assert not is_due()
    HistorySync.objects.filter(pk=sync.pk).update(claimed_until=now - timedelta(seconds=1))
    assert is_due()
    Agent.objects.update(status="offline")
    assert not is_due()


def test_those_that_are_due_are_read_once(desk: Desk) -> None:
    assert syncing.sync_due() == 2
    for contract in ("1", "2"):
        assert ClosedTrade.objects.filter(contract=contract).exists()
    assert syncing.sync_due() == 0


def test_it_waits_for_another_who_reads_the_account_and_says_so(desk: Desk) -> None:
    account = account_of(desk, "2")
    claimed = timezone.now() + timedelta(minutes=1)
    HistorySync.objects.create(account=account, claimed_until=claimed)
    outcome = history.sync(account, deadline_s=0.3)
    assert outcome == history.Outcome(account.number, False, "Its history is being read already.")
    assert HistorySync.objects.get().claimed_until == claimed
