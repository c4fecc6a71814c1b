"""Reading history from agents, over HTTP, held against the books of the simulated venue."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from accounts.agents import DealsReading
from accounts.agents.errors import TooLarge
from accounts.models import Account, Agent
from tests.factories import make_account, make_online_agent
from tests.threads import at_once
from tests.trading.desk import Desk
from trading import history, wire
from trading.history import reading, rows, syncing
from trading.models import ClosedTrade, Deal, HistorySync

pytestmark = pytest.mark.django_db
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


def test_all_deals_together_are_the_balance_of_the_venue_to_the_cent(desk: Desk) -> None:
    part_closed(desk)
    read(desk)
    deals = Deal.objects.all()
    assert sum((deal.net for deal in deals), D(0)) == books(desk)
    shown = sum((trade.net for trade in ClosedTrade.objects.all()), D(0))
    closed = ClosedTrade.objects.values("position_id")
    moved = deals.operations()
    unclosed = deals.trades().exclude(position_id__in=closed)
    rest = sum((deal.net for deal in [*moved, *unclosed]), D(0))
    assert shown + rest == books(desk)
    assert [(deal.type, deal.entry) for deal in moved] == [("BALANCE", "IN")]


def test_a_closed_trade_is_the_same_whichever_contract_tells_it(desk: Desk) -> None:
    for contract in ("1", "2"):
        read(desk, contract)
    for contract in ("1", "2"):
        account = desk.venue.member(contract).terminal.account
        rows = ClosedTrade.objects.filter(account=desk.accounts[contract])
        past = account.past
        told = list(past.deals(0, past.last_day * 86_400))
        assert rows.count() == sum(deal.entry == 1 for deal in told) > 10
        money = sum(round((deal.profit + deal.commission) * 100) for deal in told if deal.type < 2)
        assert sum((row.net for row in rows), D(0)) * 100 == money
        assert not rows.exclude(contract=contract).exists()
    assert not ClosedTrade.objects.filter(contract="1").exclude(closed_at=None).exists()
    assert not ClosedTrade.objects.filter(contract="2", closed_at=None).exists()


@pytest.mark.parametrize("contract", ["1", "2"])
def test_reading_again_changes_nothing(desk: Desk, contract: str) -> None:
    read(desk, contract)
    before = list(ClosedTrade.objects.values()), list(Deal.objects.values())
    for whole in (False, True):
        outcome = read(desk, contract, whole=whole)
        assert (outcome.deals, outcome.trades, outcome.sentence) == (0, 0, "Nothing new.")
    assert (list(ClosedTrade.objects.values()), list(Deal.objects.values())) == before


@pytest.mark.parametrize("contract", ["1", "2"])
def test_reading_on_makes_the_rows_that_reading_all_at_once_makes(
    desk: Desk, contract: str
) -> None:
    read(desk, contract)
    ticket = desk.send(contract).position_ticket or 0
    read(desk, contract)
    if contract == "2":
        desk.send(kind="close", position=ticket, volume=D("0.04"))
        read(desk)
        assert ClosedTrade.objects.get(position_id=ticket).is_open
    desk.send(contract, kind="close", position=ticket)
    assert read(desk, contract).trades == 1
    trade = ClosedTrade.objects.get(position_id=ticket)
    assert (trade.volume_closed, trade.is_open) == (D("0.10"), False)
    on = kept(), kept(Deal)
    ClosedTrade.objects.all().delete()
    Deal.objects.all().delete()
    HistorySync.objects.all().delete()
    read(desk, contract)
    assert (kept(), kept(Deal)) == on


def test_what_is_read_next_begins_where_the_last_ended(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(desk)
    asked = watched(monkeypatch)
    read(desk)
    [(since, until)] = asked
    assert timedelta(days=2) <= until - since <= timedelta(days=2, minutes=5)


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


def test_any_split_into_windows_makes_the_same_rows(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    part_closed(desk)
    read(desk)
    whole = kept(), kept(Deal)
    ClosedTrade.objects.all().delete()
    Deal.objects.all().delete()
    asked = watched(monkeypatch, most=7)
    read(desk, whole=True)
    assert len(asked) > 4
    assert (kept(), kept(Deal)) == whole
    ends = [until for _, until in asked]
    assert ends == sorted(ends)


def test_a_reading_that_is_cut_short_goes_on_from_there(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = account_of(desk, "2")
    outcome = history.sync(account, deadline_s=0)
    assert not outcome.ok
    sync = HistorySync.objects.get()
    assert sync.synced_at is None
    assert sync.failing_since is None
    assert sync.read_until == reading.BEGINNING + reading.LONGEST
    assert account in syncing.due(timezone.now())
    asked = watched(monkeypatch)
    read(desk)
    assert asked[0][0] == sync.read_until - reading.MARGIN
    assert sum((deal.net for deal in Deal.objects.all()), D(0)) == books(desk)


def test_a_history_of_contract_1_that_is_too_long_is_told_as_far_as_it_goes(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(desk, "1")
    count = ClosedTrade.objects.count()
    ClosedTrade.objects.all().delete()
    watched(monkeypatch, most=count - 1)
    outcome = read(desk, "1", whole=True)
    assert "longer than its agent can tell at once" in outcome.sentence
    assert 0 < ClosedTrade.objects.count() < count
    assert "longer" in HistorySync.objects.get().reason


def test_contract_1_is_read_whole_when_an_answer_about_the_last_days_cannot_be_believed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(desk, "1")
    ticket = desk.send("1").position_ticket or 0
    desk.send("1", kind="close", position=ticket)
    asked = watched(monkeypatch)
    read(desk, "1")
    assert len(asked) == 1
    row = ClosedTrade.objects.get(position_id=ticket)
    ClosedTrade.objects.filter(pk=row.pk).update(net=row.net + 1, volume_closed=D("0.05"))
    read(desk, "1")
    assert [since for since, _ in asked[2:]] == [reading.BEGINNING]
    row.refresh_from_db()
    assert row.volume_closed == D("0.10")


def test_deals_that_do_not_make_the_balance_are_read_from_the_beginning_once_a_day(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(desk)
    Account.objects.update(balance=books(desk))
    lost = Deal.objects.trades().order_by("at")[0]
    Deal.objects.filter(pk=lost.pk).update(ticket=lost.ticket + 1, profit=lost.profit + 1)
    read(desk)
    assert Deal.objects.filter(ticket=lost.ticket).count() == 0  # all was read a moment ago
    long_ago = timezone.now() - 2 * syncing.WHOLE_EVERY
    HistorySync.objects.update(whole_at=long_ago)
    read(desk)
    assert Deal.objects.filter(ticket=lost.ticket).count() == 1
    Deal.objects.filter(ticket=lost.ticket + 1).delete()
    HistorySync.objects.update(whole_at=long_ago)
    asked = watched(monkeypatch)
    read(desk)
    assert len(asked) == 1  # it adds up: only what is new


def test_who_tells_by_another_contract_now_is_read_from_the_beginning(desk: Desk) -> None:
    account = account_of(desk, "2")
    HistorySync.objects.create(
        account=account, contract="1", read_until=timezone.now(), whole_at=timezone.now()
    )
    read(desk)
    assert sum((deal.net for deal in Deal.objects.all()), D(0)) == books(desk)
    assert HistorySync.objects.get().contract == "2"


def test_a_row_that_contract_1_told_is_completed_by_contract_2_and_never_undone(
    desk: Desk,
) -> None:
    read(desk)
    row = ClosedTrade.objects.order_by("closed_at")[0]
    ClosedTrade.objects.filter(pk=row.pk).update(
        contract="1", swap=None, closed_at=None, closed_told="then", net=row.net + 1
    )
    Deal.objects.filter(position_id=row.position_id).delete()
    read(desk, whole=True)
    before = ClosedTrade.objects.get(pk=row.pk)
    assert (before.contract, before.net, before.closed_at) == ("2", row.net, row.closed_at)
    account = account_of(desk, "2")
    told = wire.history(account_of(desk, "1"), reading.BEGINNING, timezone.now()).closed[0]
    same = {"position_id": row.position_id, "volume": row.volume_closed}
    changed = type(told)(**{name: getattr(told, name) for name in told.__struct_fields__} | same)
    assert history.keep_closed(account, [changed]) == 0
    assert ClosedTrade.objects.get(pk=row.pk).net == row.net


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
    HistorySync.objects.update(attempted_at=timezone.now() - syncing.RETRY_AFTER)
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


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_three_who_keep_the_same_history_at_once_keep_it_once(desk: Desk) -> None:
    part_closed(desk)
    account = account_of(desk, "2")
    until = timezone.now() + timedelta(days=1)
    told = list(reading.deals(account, reading.BEGINNING, until))

    def keep(_: int) -> None:
        for answer, reached in told:
            rows.keep_deals(account, answer.deals, reached)

    at_once(keep, 3)
    assert sum((deal.net for deal in Deal.objects.all()), D(0)) == books(desk)
    on = kept(), kept(Deal)
    ClosedTrade.objects.all().delete()
    Deal.objects.all().delete()
    read(desk, whole=True)
    assert (kept(), kept(Deal)) == on
