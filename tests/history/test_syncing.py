"""Reading history from agents, over HTTP, held against the books of the simulated venue."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import Account
from agent.records import TradeDeal
from tests.history.books import account_of, books, kept, part_closed, read, watched
from tests.threads import at_once
from tests.trading.desk import Desk
from trading import history, wire
from trading.history import reading, rows, syncing
from trading.models import ClosedTrade, Deal, HistorySync

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
D = Decimal


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
        # Contract 1 tells no swap.
        swap = sum(deal.swap for deal in told) if contract == "2" else 0
        money = sum(round((deal.profit + deal.commission) * 100) for deal in told if deal.type < 2)
        money += round(swap * 100)
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


def test_contract_1_is_read_whole_if_its_recent_days_are_not_credible(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = desk.venue.member("1").terminal.account
    # Nor can one be believed that begins while a trade of the past was open, as it may just now.
    account.past = replace(account.past, first_day=account.past.last_day)
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


def lose_a_deal(desk: Desk) -> int:
    """Its ticket; the rows do not make the balance without it."""
    lost = Deal.objects.filter(account=desk.accounts["2"], entry="OUT").order_by("at")[0]
    lost.delete()
    return lost.ticket


def test_deals_that_do_not_make_the_balance_are_read_from_the_beginning_soon(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(desk)
    Account.objects.update(balance=books(desk))
    assert (read(desk).lacking, HistorySync.objects.get().is_complete) == ("", True)
    lost = lose_a_deal(desk)
    asked = watched(monkeypatch)
    assert read(desk).lacking
    assert len(asked) == 1
    sync = HistorySync.objects.get()
    assert sync.is_complete is False
    assert sync.again_at is not None
    assert sync.again_at <= timezone.now() + syncing.SOON
    assert account_of(desk, "2") not in syncing.due(timezone.now())
    HistorySync.objects.update(again_at=timezone.now())
    assert account_of(desk, "2") in syncing.due(timezone.now())
    assert read(desk).lacking == ""
    assert Deal.objects.filter(ticket=lost).exists()
    assert asked[1][0] == reading.BEGINNING
    sync.refresh_from_db()
    assert (sync.unexplained, sync.incomplete_since, sync.again_at) == (0, None, None)
    assert account_of(desk, "2") not in syncing.due(timezone.now())


def test_unexplained_deals_are_read_again_less_and_less_often_but_hourly(
    desk: Desk,
) -> None:
    Account.objects.update(balance=books(desk) + 5)
    pauses, now = [], timezone.now()
    for minutes in (0, 1, 3, 50, 500):
        since = now - timedelta(minutes=minutes)
        HistorySync.objects.update(incomplete_since=since, unexplained=D(5), again_at=now)
        outcome = read(desk)
        assert outcome.lacking == "5.00 of the balance is not explained."
        sync = HistorySync.objects.get()
        assert sync.incomplete_since is not None
        assert sync.again_at is not None
        pauses.append(round((sync.again_at - timezone.now()).total_seconds() / 60))
    assert pauses == [1, 1, 3, 50, 60]
    Account.objects.update(balance=books(desk) + 7)
    HistorySync.objects.update(again_at=now)
    read(desk)
    sync = HistorySync.objects.get()
    assert sync.unexplained == 7
    assert sync.again_at is not None
    assert sync.again_at - timezone.now() <= syncing.SOON, "another amount is a new question"


def test_a_history_too_long_to_be_read_again_at_once_waits_an_hour(desk: Desk) -> None:
    read(desk)
    HistorySync.objects.update(again_at=timezone.now(), unexplained=D(5))
    assert not history.sync(account_of(desk, "2"), deadline_s=0).ok
    again_at = HistorySync.objects.get().again_at
    assert again_at is not None
    assert again_at > timezone.now() + syncing.EVERY / 2


def test_a_terminal_that_answers_no_deals_and_an_error_has_no_empty_history(desk: Desk) -> None:
    desk.venue.steer("2", state="no-history")
    outcome = history.sync(account_of(desk, "2"))
    assert not outcome.ok
    assert "Invalid params (-2)" in outcome.sentence
    assert HistorySync.objects.get().synced_at is None
    desk.venue.steer("2", state="up")
    assert read(desk).trades


def test_an_empty_contract_1_history_that_the_balance_contradicts_is_rejected(
    desk: Desk,
) -> None:
    account = Account.objects.filter(pk=desk.accounts["1"].pk)
    account.update(initial_balance=D(10_000), balance=D("10009.30"))
    desk.venue.steer("1", state="no-history")
    assert read(desk, "1").lacking == "9.30 of the balance is not explained."
    sync = HistorySync.objects.get()
    assert (sync.is_complete, sync.unexplained) == (False, D("9.30"))
    assert sync.again_at is not None
    assert sync.again_at <= timezone.now() + syncing.SOON
    desk.venue.steer("1", state="up")
    HistorySync.objects.update(again_at=timezone.now())
    assert read(desk, "1").trades
    account.update(balance=D(10_000))
    ClosedTrade.objects.all().delete()
    desk.venue.steer("1", state="no-history")
    read(desk, "1")
    assert HistorySync.objects.get().is_complete is True
    account.update(initial_balance=None)
    read(desk, "1")
    assert HistorySync.objects.get().is_complete is None


def held(desk: Desk, ticket: int, days: int) -> None:
    """A trade of the terminal behind contract 1 that was open for so long, closed just now."""
    account = desk.venue.member("1").terminal.account
    now = int(timezone.now().timestamp()) + account.firm.offset
    opened = now - days * 86_400
    deal = TradeDeal(
        ticket=ticket, order=ticket, time=opened, time_msc=opened * 1000, type=0, entry=0, magic=0,
        position_id=ticket, reason=0, volume=0.1, price=1.1, commission=0.0, swap=0.0, profit=0.0,
        fee=0.0, symbol="EURUSD", comment="", external_id="",
    )  # fmt: skip
    out = {"ticket": ticket + 1, "time": now, "time_msc": now * 1000, "entry": 1, "type": 1}
    account.deals += [deal, deal._replace(**out, price=1.101, profit=10.0)]


@pytest.mark.parametrize("days", [6, 20, 31, 200])
def test_a_trade_that_was_open_long_appears_when_it_is_closed(desk: Desk, days: int) -> None:
    """Of `from_date`, agents in the field look for openings in the seven days before it only."""
    Account.objects.update(balance=D(1_000), open_positions=1)
    read(desk, "1")
    held(desk, 8_000_000, days)
    Account.objects.update(balance=D(1_010), open_positions=0)
    assert read(desk, "1").trades == 1
    assert ClosedTrade.objects.get(position_id=8_000_000).net == 10


def test_who_tells_by_another_contract_now_is_read_from_the_beginning(desk: Desk) -> None:
    account = account_of(desk, "2")
    HistorySync.objects.create(
        account=account, contract="1", read_until=timezone.now(), whole_at=timezone.now()
    )
    read(desk)
    assert sum((deal.net for deal in Deal.objects.all()), D(0)) == books(desk)
    assert HistorySync.objects.get().contract == "2"


def test_contract_2_completes_a_row_from_contract_1_which_never_undoes_it(
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
