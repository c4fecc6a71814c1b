"""History that an agent can have written: a backlog at first, then so much an hour; over HTTP."""

import itertools
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Account, Agent, AgentQuota
from accounts.polling import poller
from tests.history.books import account_of, books, read
from tests.scripted_fleet import ScriptedFleet
from tests.trading.desk import Desk
from trading import history
from trading.models import ClosedTrade, Deal, HistorySync

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
A_POLL = 500


class Inventor(ScriptedFleet):
    """Reports closed positions that it never reported before, with each answer."""

    def __init__(self) -> None:
        super().__init__()
        self._numbers = itertools.count(1)

    def answer(self, index: int, call: str) -> tuple[int, bytes]:
        if call != "trade-history":
            return super().answer(index, call)
        trades = [self._trade(next(self._numbers)) for _ in range(A_POLL)]
        sums = {"total_trades": A_POLL, "total_profit": 0, "total_commission": 0}
        return 200, json.dumps({"account_number": index, "trades": trades, **sums}).encode()

    def _trade(self, number: int) -> dict[str, Any]:
        times = {"entry_time": "2026-01-05T09:00:00", "exit_time": "2026-01-05T10:00:00"}
        prices = {"entry_price": 1.1, "exit_price": 1.2, "pips": 10.0}
        money = {"profit": 1.0, "commission": 0.0, "tp_money": None, "sl_money": None}
        what = {"symbol": "EURUSD", "side": "BUY", "lot": 0.1, "position_id": number}
        return {**what, **times, **prices, **money}


@pytest.fixture
def inventor() -> Iterator[Inventor]:
    with Inventor() as fleet:
        yield fleet


def limited(settings: Any, most: int, per_hour: int) -> None:
    settings.AGENT_QUOTAS = settings.AGENT_QUOTAS | {"history": (most, per_hour)}


def an_hour_later() -> None:
    """For quotas, which is all that these tests wait for."""
    for row in AgentQuota.objects.all():
        AgentQuota.objects.filter(pk=row.pk).update(at=row.at - timedelta(hours=1))


def test_closed_positions_that_are_new_with_each_answer_stop_at_the_quota(
    inventor: Inventor, settings: Any
) -> None:
    limited(settings, 1200, 100)
    (agent,) = inventor.make_agents(1)
    poller.poll_due(reachable=True)
    account = Account.objects.get()
    for _ in range(5):
        outcome = history.sync(account, whole=True)
    assert ClosedTrade.objects.count() == 1200
    assert not outcome.ok
    assert outcome.sentence.startswith("Quota reached: over 100 rows of history an hour")
    sync = HistorySync.objects.get()
    assert sync.reason == outcome.sentence
    assert sync.claimed_until is None
    an_hour_later()
    for _ in range(3):
        history.sync(account, whole=True)
    assert ClosedTrade.objects.count() == 1300
    # The agent carries the alarm with its next reading, and trades on all the same.
    Agent.objects.update(next_poll_at=timezone.now())
    poller.poll_due(reachable=True)
    agent.refresh_from_db()
    assert (agent.status, agent.status_code) == ("online", "quota-reached")
    assert agent.status_reason == outcome.sentence


def test_each_agent_has_a_quota_of_its_own(inventor: Inventor, settings: Any) -> None:
    limited(settings, A_POLL, 0)
    inventor.make_agents(2)
    poller.poll_due(reachable=True)
    first, second = Account.objects.order_by("number")
    assert history.sync(first, whole=True).ok
    assert not history.sync(first, whole=True).ok
    assert history.sync(second, whole=True).trades == A_POLL
    assert Agent.objects.exclude(quota_at=None).get() == first.agent


@pytest.mark.parametrize("contract", ["1", "2"])
def test_a_backlog_that_does_not_fit_is_read_on_by_the_hour_until_all_is_there(
    desk: Desk, settings: Any, contract: str
) -> None:
    limited(settings, 20, 15)
    account = desk.accounts[contract]
    counts, hours = [0], 0
    rows = Deal if contract == "2" else ClosedTrade
    while not (outcome := history.sync(account)).ok:
        assert "Quota reached" in outcome.sentence
        counts.append(rows._default_manager.filter(account=account).count())
        assert counts[-1] - counts[-2] <= (20 if len(counts) == 2 else 15)
        an_hour_later()
        hours += 1
        assert hours < 200
    assert hours > 1
    shown = set(ClosedTrade.objects.values_list("position_id", "net", "volume_closed"))
    settings.AGENT_QUOTAS = settings.AGENT_QUOTAS | {"history": (10**6, 0)}
    AgentQuota.objects.all().delete()
    assert read(desk, contract, whole=True).sentence == "Nothing new."
    assert set(ClosedTrade.objects.values_list("position_id", "net", "volume_closed")) == shown
    if contract == "2":
        assert sum(deal.net for deal in Deal.objects.all()) == books(desk)


@pytest.mark.parametrize("contract", ["1", "2"])
def test_history_of_which_a_part_waits_is_not_called_complete(
    desk: Desk, settings: Any, contract: str
) -> None:
    account = account_of(desk, contract)
    read(desk, contract)
    balance = books(desk, contract)
    told = ClosedTrade.objects.filter(account=account).values_list("net", flat=True)
    rows = Account.objects.filter(pk=account.pk)
    rows.update(balance=balance, initial_balance=balance - sum(told))
    read(desk, contract)
    assert HistorySync.objects.get(account=account).is_complete
    Deal.objects.filter(account=account).delete()
    ClosedTrade.objects.filter(account=account).delete()
    limited(settings, 3, 0)
    AgentQuota.objects.all().delete()
    assert "Quota reached" in history.sync(account, whole=True).sentence
    assert HistorySync.objects.get(account=account).is_complete is False
