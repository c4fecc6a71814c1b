"""From deals to closed trades, without a database."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given

from accounts.agents import Deal as ToldDeal
from accounts.agents.trades import ClosedPosition
from tests.history.told import BEGAN, deal, pasts
from trading.history import trades
from trading.history.rows import _deal
from trading.models import ClosedTrade, Deal
from trading.models.history import TRADES

D = Decimal


def rows_of(*told: ToldDeal) -> list[Deal]:
    return [_deal(None, one, {}) for one in told]  # type: ignore[arg-type]


def trade_of(*told: ToldDeal) -> ClosedTrade:
    trade = trades.of_deals(rows_of(*told))
    assert trade is not None
    return trade


def test_a_position_that_was_opened_and_closed_is_one_trade() -> None:
    trade = trade_of(
        deal(1, commission=D("-3.5"), fee=D("-0.1")),
        deal(2, entry="OUT", type="SELL", price=D("1.2"), profit=D(50), swap=D(-2), reason="TP"),
    )
    assert (trade.position_id, trade.symbol, trade.side) == (1, "EURUSD", "BUY")
    assert (trade.volume_opened, trade.volume_closed, trade.is_open) == (1, 1, False)
    assert (trade.entry_price, trade.exit_price) == (D("1.1"), D("1.2"))
    assert (trade.opened_at, trade.closed_at) == (
        BEGAN + timedelta(minutes=1),
        BEGAN + timedelta(minutes=2),
    )
    assert (trade.profit, trade.swap, trade.commission, trade.fee) == (50, -2, D("-3.5"), D("-0.1"))
    assert (trade.net, trade.reason) == (D("44.4"), "TP")
    assert (trade.tp_money, trade.sl_money, trade.pips) == (50, None, None)


def test_a_position_of_which_nothing_was_closed_is_none() -> None:
    assert trades.of_deals(rows_of(deal(1), deal(2))) is None


def test_a_position_closed_in_parts_is_one_row_with_averages_and_sums() -> None:
    trade = trade_of(
        deal(1, volume=D(3), price=D("1.0"), commission=D(-3)),
        deal(2, volume=D(1), price=D("1.4"), commission=D(-1)),
        deal(3, entry="OUT", type="SELL", volume=D(1), price=D("1.2"), profit=D(5)),
        deal(4, entry="OUT", type="SELL", volume=D(3), price=D("1.6"), profit=D(7), reason="SL"),
    )
    assert (trade.entry_price, trade.exit_price) == (D("1.1"), D("1.5"))
    assert (trade.volume_opened, trade.volume_closed, trade.is_open) == (4, 4, False)
    assert (trade.net, trade.sl_money, trade.tp_money) == (8, 12, None)


def test_the_realised_part_of_a_position_still_open_is_marked_as_a_part() -> None:
    trade = trade_of(
        deal(1, volume=D(2), commission=D(-4)),
        deal(2, entry="OUT", type="SELL", volume=D("0.5"), profit=D(10)),
    )
    assert (trade.volume_opened, trade.volume_closed, trade.is_open) == (2, D("0.5"), True)
    assert trade.net == 6


def test_a_trade_whose_opening_is_not_told_says_so() -> None:
    trade = trade_of(deal(2, entry="OUT", type="SELL", profit=D(10)))
    assert (trade.side, trade.volume_opened, trade.entry_price) == ("BUY", None, None)
    assert (trade.opened_at, trade.is_open) == (None, False)
    later = trade_of(deal(2, entry="OUT", type="SELL"), deal(3), deal(4, entry="OUT", type="SELL"))
    assert (later.volume_opened, later.entry_price, later.side) == (None, None, "BUY")


def test_a_reversal_closes_what_is_held_and_opens_the_rest() -> None:
    trade = trade_of(
        deal(1, volume=D(1)),
        deal(2, entry="INOUT", type="SELL", volume=D(3), price=D("1.3"), profit=D(20)),
    )
    assert (trade.side, trade.volume_closed, trade.volume_opened) == ("BUY", 1, 3)
    assert (trade.is_open, trade.exit_price, trade.net) == (True, D("1.3"), 20)


def test_what_deals_of_other_types_charge_for_a_position_is_in_its_net() -> None:
    def charge(ticket: int, kind: str, **money: Decimal) -> ToldDeal:
        return deal(ticket, type=kind, volume=D(0), price=D(0), symbol="", **money)

    trade = trade_of(
        charge(1, "COMMISSION", profit=D("-3.50")),
        deal(2, commission=D("-0.10")),
        charge(3, "COMMISSION_AGENT_DAILY", commission=D("0.40")),
        deal(4, entry="OUT", type="SELL", profit=D(50), swap=D(-2), reason="TP"),
        charge(5, "TAX", profit=D("-1.25")),
        charge(6, "DIVIDEND", profit=D("0.75")),
    )
    assert (trade.side, trade.volume_opened, trade.symbol) == ("BUY", 1, "EURUSD")
    assert (trade.opened_at, trade.closed_at) == (
        BEGAN + timedelta(minutes=2),
        BEGAN + timedelta(minutes=4),
    )
    assert (trade.profit, trade.swap, trade.commission, trade.fee) == (
        (50, -2, D("-3.20"), D("-0.50"))
    )
    assert (trade.net, trade.tp_money) == (D("44.30"), 50)


def test_a_rebate_is_what_it_is() -> None:
    trade = trade_of(deal(1, commission=D(2)), deal(2, entry="OUT", type="SELL", profit=D(5)))
    assert (trade.commission, trade.net) == (2, 7)


def test_a_trade_is_as_uncertain_as_the_times_that_it_shows() -> None:
    def times(opened: bool, closed: bool) -> bool:
        first = deal(1, time_uncertain=opened)
        return trade_of(
            first, deal(2, entry="OUT", type="SELL", time_uncertain=closed)
        ).times_uncertain

    assert [times(*both) for both in ((False, False), (True, False), (False, True))] == [
        *(False, True, True)
    ]


def test_positions_that_closed_one_another_are_closed() -> None:
    trade = trade_of(deal(1), deal(2, entry="OUT_BY", type="SELL", profit=D(3)))
    assert (trade.is_open, trade.net) == (False, 3)


def test_what_no_deal_tells_is_not_known() -> None:
    untold = {"swap": None, "commission": None, "fee": None}
    trade = trade_of(deal(1, **untold), deal(2, entry="OUT", type="SELL", profit=D(9), **untold))
    assert (trade.swap, trade.commission, trade.fee, trade.net) == (None, None, None, 9)


def test_deals_are_put_in_order_by_the_clock_of_the_broker() -> None:
    later = BEGAN + timedelta(hours=1)
    assert trade_of(deal(2, entry="OUT", type="SELL", time=later), deal(9)).side == "BUY"
    assert trade_of(deal(2, entry="OUT", type="SELL", time=later), deal(9)).entry_price is not None


@given(pasts())
def test_trades_and_all_else_together_are_the_change_of_the_balance(past: list[ToldDeal]) -> None:
    rows = rows_of(*past)
    of_position: dict[int | None, list[Deal]] = defaultdict(list)
    for row in rows:
        of_position[row.position_id].append(row)
    rest = sum((row.net for row in of_position.pop(None, [])), D(0))
    for number, deals in of_position.items():
        trade = trades.of_deals(deals)
        if trade is None:
            rest += sum((row.net for row in deals), D(0))
            continue
        rest += trade.net
        assert trade.position_id == number
        traded = [row for row in deals if row.type in TRADES]
        closed = sum((row.volume for row in traded if row.entry == "OUT"), D(0))
        opened = sum((row.volume for row in traded if row.entry == "IN"), D(0))
        assert (trade.volume_opened, trade.volume_closed) == (opened, closed)
        assert trade.is_open == (opened > closed)
    told = sum((row.profit + row.swap + row.commission + row.fee for row in rows), D(0))
    assert rest == told


CLOSED = ClosedPosition(
    position_id=7,
    symbol="EURUSD",
    side="SELL",
    volume=D("0.1"),
    entry_price=D("1.2"),
    exit_price=D("1.1"),
    entry_time="2026-01-05T08:00:00",
    exit_time="2026-01-05T09:00:00",
    profit=D(100),
    commission=D("-0.7"),
    pips=D(1000),
    tp_money=D(100),
    sl_money=None,
)


def test_contract_1_tells_neither_a_known_time_nor_swap_nor_fee() -> None:
    trade = trades.of_closed(CLOSED)
    assert (trade.contract, trade.side, trade.net, trade.reason) == ("1", "SELL", D("99.3"), "TP")
    assert (trade.opened_at, trade.closed_at, trade.swap, trade.fee) == (None, None, None, None)
    assert (trade.opened_told, trade.closed_told) == (CLOSED.entry_time, CLOSED.exit_time)
    assert trade.closed_at_or_guess == datetime(2026, 1, 5, 9, tzinfo=UTC)
    assert (trade.pips, trade.tp_money, trade.sl_money) == (1000, 100, None)


@pytest.mark.parametrize(
    "told", ["", "yesterday", "2026-13-01T00:00:00", "0001-01-01T00:00:00+14:00"]
)
def test_what_is_no_time_makes_no_guess(told: str) -> None:
    assert trades.guess(told) is None
