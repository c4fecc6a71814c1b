"""Closed trades through the API: what the terminal's history says, in the original's fields."""

from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Account, Agent
from accounts.polling import poller
from tests.api.program import Program
from tests.cast import VIEW
from tests.factories import make_account, make_deal, make_trade, make_user
from tests.trading.desk import Desk
from trading.api import history
from trading.models import ClosedTrade, HistorySync

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
ORIGINAL = {
    *("symbol", "side", "lot", "pips", "tp_money", "sl_money", "commission", "profit"),
    *("entry_time", "exit_time", "entry_price", "exit_price", "position_id"),
}


@pytest.fixture
def program(desk: Desk) -> Program:
    return Program(desk.trader)


def of(desk: Desk, contract: str, query: str = "") -> str:
    return f"accounts/{desk.accounts[contract].number}/trade-history{query}"


@pytest.mark.parametrize("contract", ["1", "2"])
def test_the_first_time_it_is_read_and_then_told_from_the_rows(
    desk: Desk, program: Program, contract: str
) -> None:
    first = program.get(of(desk, contract))
    assert first["total_trades"] == len(first["trades"]) > 0
    assert set(first["trades"][0]) >= ORIGINAL
    for total, column in (("total_profit", "profit"), ("total_commission", "commission")):
        summed = sum(trade[column] or 0 for trade in first["trades"])
        assert first[total] == pytest.approx(summed)
    desk.venue.steer(contract, state="down")
    assert program.get(of(desk, contract)) == first


def test_reading_anew_brings_what_was_closed_since(desk: Desk, program: Program) -> None:
    before = program.get(of(desk, "2"))
    opened = desk.send()
    list(poller.refresh([desk.agent()]))
    assert desk.send(kind="close", position=opened.position_ticket).state == "filled"
    assert program.get(of(desk, "2"))["total_trades"] == before["total_trades"]
    after = program.get(of(desk, "2", "?force_refresh=true"))
    assert after["total_trades"] == before["total_trades"] + 1
    newest = after["trades"][0]
    assert (newest["position_id"], newest["lot"]) == (opened.position_ticket, 0.1)
    assert newest["net"] == pytest.approx(newest["profit"] + newest["commission"] + newest["swap"])


def test_why_it_could_not_be_read_is_told_and_nothing_is_lost(desk: Desk, program: Program) -> None:
    before = program.get(of(desk, "2"))
    desk.venue.steer("2", state="down")
    after = program.get(of(desk, "2", "?force_refresh=true"))
    assert after["reason"]
    assert (after["trades"], after["synced_at"]) == (before["trades"], before["synced_at"])


def test_an_account_that_no_agent_reports_has_an_empty_history_and_a_reason(
    desk: Desk, program: Program
) -> None:
    Agent.objects.all().delete()
    told = program.get(of(desk, "2"))
    assert (told["trades"], told["synced_at"]) == ([], None)


def test_a_long_history_is_read_in_pages(desk: Desk, program: Program) -> None:
    whole = program.get(of(desk, "2"))["trades"]
    ClosedTrade.objects.filter(position_id=whole[2]["position_id"]).update(closed_at_or_guess=None)
    whole = program.get(of(desk, "2"))["trades"]
    seen: list[dict[str, Any]] = []
    before = ""
    while True:
        page = program.get(of(desk, "2", f"?limit=7{before}"))
        seen += page["trades"]
        if page["next"] is None:
            break
        before = f"&before={page['next']}"
    assert seen == whole
    assert program.ask("GET", of(desk, "2", "?before=1")).status_code == 404


# --- what is in the rows, without an agent ------------------------------------------------------
@pytest.fixture
def viewer(db: None) -> Program:
    return Program(make_user(*VIEW))


@pytest.fixture
def account(db: None) -> Account:
    """Its history was read."""
    made = make_account(number=4711)
    HistorySync.objects.create(account=made, synced_at=timezone.now())
    return made


def told(viewer: Program, query: str = "") -> Any:
    return viewer.get(f"accounts/4711/trade-history{query}")


def test_a_history_that_does_not_explain_the_balance_is_not_complete(
    viewer: Program, account: Account
) -> None:
    names = ("complete", "unexplained", "total_trades", "total_profit", "total_net")

    def figures() -> list[Any]:
        answer = told(viewer)
        return [answer[name] for name in names]

    assert figures() == [None, None, 0, 0, 0]
    HistorySync.objects.update(unexplained="10009.30")
    assert figures() == [False, 10009.3, 0, None, None], "unknown is never nought"
    HistorySync.objects.update(unexplained=0)
    assert figures() == [True, 0, 0, 0, 0]


def test_costs_of_the_account_and_times_that_are_not_proven_are_told(
    viewer: Program, account: Account
) -> None:
    make_trade(account)
    assert told(viewer)["total_account_costs"] is None
    make_deal(account, type="COMMISSION_MONTHLY", profit="-20")
    ClosedTrade.objects.update(times_uncertain=True)
    answer = told(viewer)
    assert answer["total_account_costs"] == -20
    assert answer["trades"][0]["time_uncertain"] is True


def test_a_commission_that_nobody_told_is_not_nought(viewer: Program, account: Account) -> None:
    make_trade(account, commission=None)
    make_trade(account, commission=None)
    totals = told(viewer)
    assert (totals["total_commission"], totals["trades_without_commission"]) == (None, 2)
    make_trade(account, commission="-1.50")
    totals = told(viewer)
    assert (totals["total_commission"], totals["trades_without_commission"]) == (-1.5, 2)


def test_sums_of_money_are_exact(viewer: Program, account: Account) -> None:
    for _ in range(33):  # binary fractions make -92.3999999999999 of it
        make_trade(account, commission=Decimal("-2.80"))
    assert told(viewer)["total_commission"] == -92.4


def test_what_was_read_and_is_empty_amounts_to_nought(viewer: Program, account: Account) -> None:
    totals = told(viewer)
    assert (totals["total_trades"], totals["total_profit"], totals["total_commission"]) == (0, 0, 0)


def test_what_was_never_read_amounts_to_nothing_that_is_known(viewer: Program) -> None:
    make_account(number=4711)
    totals = told(viewer)
    assert (totals["trades"], totals["synced_at"]) == ([], None)
    assert (totals["total_profit"], totals["total_commission"], totals["total_net"]) == (None,) * 3


def test_without_a_limit_all_is_told_up_to_a_most_and_then_where_it_goes_on(
    viewer: Program, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "PART", 2)
    made = [make_trade(account).position_id for _ in range(5)]
    whole = told(viewer)
    assert {trade["position_id"] for trade in whole["trades"]} == set(made)
    assert whole["next"] is None
    monkeypatch.setattr(history, "MOST", 3)
    first = told(viewer)
    assert (first["trades"], first["total_trades"]) == (whole["trades"][:3], 5)
    rest = told(viewer, f"?before={first['next']}")
    assert (rest["trades"], rest["next"]) == (whole["trades"][3:], None)


def test_the_size_of_a_history_does_not_grow_the_number_of_queries(
    viewer: Program, account: Account, django_assert_max_num_queries: Any
) -> None:
    for _ in range(3):
        make_trade(account)
    told(viewer)
    with django_assert_max_num_queries(10):
        told(viewer)
    for _ in range(20):
        make_trade(account)
    with django_assert_max_num_queries(10):
        assert len(told(viewer)["trades"]) == 23
