"""Closed trades through the API: what the terminal's history says, in the original's fields."""

from typing import Any

import pytest

from accounts import polling
from accounts.models import Agent
from tests.api.program import Program
from tests.trading.desk import Desk
from trading.models import ClosedTrade

pytestmark = pytest.mark.django_db
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
    list(polling.refresh([desk.agent()]))
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
