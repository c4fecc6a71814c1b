"""The commission of a symbol, as the deals of an account tell it."""

from decimal import Decimal
from typing import Any

import pytest

from accounts.agents import Deal
from tests.trading.desk import Desk
from trading import commission

D = Decimal


def deal(entry: str, volume: str, fees: str | None, **columns: Any) -> Deal:
    told = {"ticket": 1, "order": None, "position_id": 7, "type": "BUY", "reason": ""}
    told |= {"symbol": "EURUSD", "price": D(1), "profit": D(0), "swap": D(0), "fee": D(0)}
    told |= {"comment": "", "magic": None, "time": None, "broker_time_msc": None}
    told |= {"entry": entry, "volume": D(volume), "commission": None if fees is None else D(fees)}
    return Deal(**told | columns)


IN, OUT = deal("IN", "2", "-7"), deal("OUT", "2", "-5")
TOLD: dict[str, tuple[list[Deal], Decimal | None]] = {
    "in and out": ([IN, OUT], D(-6)),
    "all of it when it opens": ([deal("IN", "0.5", "-3.5"), deal("OUT", "0.5", "0")], D(-7)),
    "in parts": ([IN, OUT, deal("IN", "2", "-9"), deal("OUT", "4", "-10")], D("-6.5")),
    "fees too": ([IN, deal("OUT", "2", "-5", fee=D(-2))], D(-7)),
    "nothing": ([], None),
    "not closed yet": ([IN], None),
    "another symbol": ([deal("IN", "1", "-9", symbol="GBPUSD"), deal("OUT", "1", "-9")], None),
    "money moved": ([deal("IN", "0", "-9", type="BALANCE"), IN, OUT], D(-6)),
    "not told": ([deal("IN", "1", None), deal("OUT", "1", None)], None),
    "a rebate": ([deal("IN", "1", "3"), deal("OUT", "1", "0")], D(0)),
    "whole trades of contract 1": ([deal("OUT", "2", "-14", ticket=None)], D(-7)),
}


@pytest.mark.parametrize("told", TOLD)
def test_it_is_that_of_one_lot_in_and_out(told: str) -> None:
    deals, expected = TOLD[told]
    assert commission.rate(deals, "EURUSD") == expected


@pytest.mark.django_db
def test_it_is_asked_of_the_agent_and_unknown_when_that_is_away(desk: Desk) -> None:
    account = desk.accounts["2"]
    order = desk.send()
    assert commission.per_lot(account, "EURUSD") in (None, D(-7))  # its past is of random symbols
    desk.send(kind="close", position=order.position_ticket)
    assert commission.per_lot(account, "EURUSD") == D(-7)
    desk.venue.steer("2", state="down")
    assert commission.per_lot(account, "EURUSD") is None
