"""Keeping what is told, in whichever pieces it comes."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.agents import Deal as ToldDeal
from accounts.models import Account
from tests.factories import make_account
from tests.history.told import BEGAN, deal, pasts
from trading.history.rows import keep_deals
from trading.models import ClosedTrade, Deal, HistorySync

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
D = Decimal
HOUR = timedelta(hours=1)


@pytest.fixture
def account(db: None) -> Account:
    return make_account()


def kept(account: Account) -> list[tuple[object, ...]]:
    names = [
        field.attname
        for field in ClosedTrade._meta.concrete_fields
        if field.attname not in {"id", "account_id", "changed_at"}
    ]
    rows = ClosedTrade.objects.filter(account=account).order_by("position_id")
    return list(rows.values_list(*names))


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(pasts(), st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=6))
def test_any_pieces_that_overlap_make_the_rows_that_all_at_once_make(
    db: None, past: list[ToldDeal], pieces: list[tuple[int, int]]
) -> None:
    at_once, in_pieces = make_account(), make_account()
    keep_deals(at_once, past)
    for one, other in pieces:
        keep_deals(in_pieces, past[min(one, other) : max(one, other)])
    keep_deals(in_pieces, past)
    assert kept(in_pieces) == kept(at_once)
    assert Deal.objects.filter(account=in_pieces).count() == len(past)
    assert keep_deals(in_pieces, past) == (0, 0)


def test_only_what_is_new_or_differs_is_written(account: Account) -> None:
    told = [deal(1), deal(2, entry="OUT", type="SELL", profit=D(5))]
    assert keep_deals(account, told) == (2, 1)
    before = ClosedTrade.objects.get().changed_at
    assert keep_deals(account, [*told, deal(3, position_id=3)]) == (1, 0)
    assert ClosedTrade.objects.get().changed_at == before
    corrected = deal(2, entry="OUT", type="SELL", profit=D(5), swap=D(-1))
    assert keep_deals(account, [corrected]) == (1, 1)
    assert ClosedTrade.objects.get().net == 4


def test_the_time_that_was_told_first_stays_when_the_brokers_clock_is_changed(
    account: Account,
) -> None:
    """An agent converts all of the past by the distance of today."""
    told = deal(1)
    keep_deals(account, [told])
    same = told.broker_time_msc
    assert keep_deals(account, [deal(1, time=BEGAN, broker_time_msc=same)]) == (0, 0)
    assert Deal.objects.get().at == told.time
    assert keep_deals(account, [deal(1, time=BEGAN)]) == (1, 0)
    assert Deal.objects.get().at == BEGAN


def test_a_proven_time_replaces_an_uncertain_one_and_never_the_reverse(
    account: Account,
) -> None:
    same = deal(1).broker_time_msc
    for at, uncertain, kept_at, kept_uncertain in (
        (BEGAN, True, BEGAN, True),
        (BEGAN + HOUR, True, BEGAN, True),
        (BEGAN + HOUR, False, BEGAN + HOUR, False),
        (BEGAN, True, BEGAN + HOUR, False),
        (None, True, BEGAN + HOUR, False),
    ):
        keep_deals(account, [deal(1, time=at, broker_time_msc=same, time_uncertain=uncertain)])
        row = Deal.objects.get()
        assert (row.at, row.at_uncertain) == (kept_at, kept_uncertain)


def test_an_older_agent_is_certain_of_the_last_days_alone(account: Account) -> None:
    now = timezone.now()
    told = [deal(1, time_uncertain=None), deal(2, time=now - HOUR, time_uncertain=None)]
    keep_deals(account, told)
    assert list(Deal.objects.order_by("ticket").values_list("at_uncertain", flat=True)) == [
        *(True, False)
    ]


def test_a_commission_that_comes_later_is_in_the_net_of_its_position(account: Account) -> None:
    told = [deal(1), deal(2, entry="OUT", type="SELL", profit=D(5))]
    keep_deals(account, told)
    charges = {"volume": D(0), "price": D(0), "symbol": ""}
    late = deal(3, type="COMMISSION_DAILY", profit=D("-1.50"), **charges)
    monthly = deal(4, type="COMMISSION_MONTHLY", position_id=None, profit=D(-20), **charges)
    assert keep_deals(account, [late, monthly]) == (2, 1)
    trade = ClosedTrade.objects.get()
    assert (trade.commission, trade.net) == (D("-1.50"), D("3.50"))
    assert [deal.ticket for deal in Deal.objects.operations()] == [4]
    assert [deal.ticket for deal in Deal.objects.account_costs()] == [4]


def test_how_far_was_read_never_goes_back(account: Account) -> None:
    for until in (BEGAN, BEGAN + HOUR, BEGAN - HOUR):
        keep_deals(account, [], until)
    assert HistorySync.objects.get().read_until == BEGAN + HOUR


def test_the_same_ticket_of_two_accounts_is_two_deals(account: Account) -> None:
    keep_deals(account, [deal(1)])
    keep_deals(make_account(), [deal(1)])
    assert Deal.objects.count() == 2
