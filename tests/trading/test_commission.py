"""The commission of a symbol, as the history of an account tells it."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from tests.factories import make_account
from tests.trading.desk import Desk
from trading import commission
from trading.models import ClosedTrade, Deal, HistorySync

pytestmark = pytest.mark.django_db
D = Decimal
Row = dict[str, Any]


def deal(entry: str, volume: str, fees: str | None, **columns: Any) -> Row:
    told: Row = {"position_id": 7, "type": "BUY", "symbol": "EURUSD", "price": D(1)}
    told |= {"profit": D(0), "at": timezone.now() - timedelta(days=2)}
    paid = None if fees is None else D(fees)
    return told | {"entry": entry, "volume": D(volume), "commission": paid} | columns


def told_by_contract_1(lots: str, fees: str | None, **columns: Any) -> Row:
    told: Row = {"contract": "1", "symbol": "EURUSD", "side": "BUY", "volume_closed": D(lots)}
    told |= {"entry_price": D(1), "exit_price": D(1), "profit": D(0), "net": D(0)}
    told |= {"changed_at": timezone.now(), "closed_at_or_guess": timezone.now()}
    return told | {"commission": None if fees is None else D(fees)} | columns


IN, OUT = deal("IN", "2", "-7"), deal("OUT", "2", "-5")
LONG_AGO = timezone.now() - timedelta(days=40)
DEALS: dict[str, tuple[list[Row], Decimal | None]] = {
    "in and out": ([IN, OUT], D(-6)),
    "all of it when it opens": ([deal("IN", "0.5", "-3.5"), deal("OUT", "0.5", "0")], D(-7)),
    "in parts": ([IN, OUT, deal("IN", "2", "-9"), deal("OUT", "4", "-10")], D("-6.5")),
    "fees too": ([IN, deal("OUT", "2", "-5", fee=D(-2))], D(-7)),
    "nothing": ([], None),
    "not closed yet": ([IN], None),
    "another symbol": ([deal("IN", "1", "-9", symbol="GBPUSD"), deal("OUT", "1", "-9")], None),
    "money moved": ([deal("IN", "0", "-9", type="BALANCE"), IN, OUT], D(-6)),
    "not told": ([deal("IN", "1", None), deal("OUT", "1", None)], None),
    "a rebate": ([deal("IN", "1", "3"), deal("OUT", "1", "0")], D(3)),
    "by deals of their own": (
        [
            deal("IN", "2", "0", position_id=7),
            deal("OUT", "2", "0", position_id=7),
            deal("IN", "0", "0", position_id=7, type="COMMISSION", profit=D(-12), symbol=""),
            deal("IN", "0", "0", position_id=8, type="COMMISSION", profit=D(-99), symbol=""),
            deal("IN", "0", "0", position_id=None, type="COMMISSION_MONTHLY", profit=D(-99)),
        ],
        D(-6),
    ),
    "long ago": ([IN, OUT, deal("IN", "1", "-99", at=LONG_AGO)], D(-6)),
}
TRADES: dict[str, tuple[list[Row], Decimal | None]] = {
    "whole trades": ([told_by_contract_1("2", "-14")], D(-7)),
    "those that tell their opening": (
        [told_by_contract_1("2", "-14"), told_by_contract_1("2", "-7", entry_price=None)],
        D(-7),
    ),
    "not told": ([told_by_contract_1("2", None)], None),
    "long ago": ([told_by_contract_1("2", "-14", closed_at_or_guess=LONG_AGO)], None),
}


@pytest.mark.both_databases
@pytest.mark.parametrize("told", DEALS)
def test_it_is_that_of_one_lot_in_and_out(told: str) -> None:
    rows, expected = DEALS[told]
    account = make_account()
    for ticket, row in enumerate(rows, 1):
        Deal.objects.create(account=account, ticket=ticket, **row)
    since = timezone.now() - commission.LOOK_BACK
    assert commission.rate(account, "EURUSD", since) == expected


@pytest.mark.both_databases
@pytest.mark.parametrize("told", TRADES)
def test_where_no_deals_are_told_it_is_that_of_whole_trades(told: str) -> None:
    rows, expected = TRADES[told]
    account = make_account()
    for number, row in enumerate(rows, 1):
        ClosedTrade.objects.create(account=account, position_id=number, **row)
    since = timezone.now() - commission.LOOK_BACK
    assert commission.rate(account, "EURUSD", since) == expected


def test_history_is_read_when_it_is_due_and_still_tells_when_the_agent_is_away(desk: Desk) -> None:
    account = desk.accounts["2"]
    order = desk.send()
    desk.send(kind="close", position=order.position_ticket)
    assert commission.per_lot(account, "EURUSD") == D(-7)
    desk.venue.steer("2", state="down")
    assert commission.per_lot(account, "EURUSD") == D(-7)
    sync = HistorySync.objects.get(account=account)
    assert sync.failing_since is None  # it was not asked
    HistorySync.objects.update(balance=D(1))
    assert commission.per_lot(account, "EURUSD") == D(-7)
    sync.refresh_from_db()
    assert sync.failing_since is not None


def test_it_is_not_known_where_nothing_could_ever_be_read(desk: Desk) -> None:
    desk.venue.steer("2", state="down")
    assert commission.per_lot(desk.accounts["2"], "EURUSD") is None
