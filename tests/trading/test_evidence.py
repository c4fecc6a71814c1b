"""What positions and deals prove of an order, and what they do not."""

from decimal import Decimal
from typing import Any

import pytest

from accounts.agents import AccountReading, Deal, PositionReading
from trading.evidence import closed, proposal, weigh
from trading.models import Order
from trading.states import State

TICKET = 77


def order(kind: str = "open", **changes: Any) -> Order:
    columns: dict[str, Any] = {"symbol": "EURUSD", "side": "BUY", "volume": Decimal("0.10")}
    if kind != "open":
        columns |= {"volume": None, "position": TICKET}
    return Order(kind=kind, **(columns | changes))


def deal(of: Order, entry: str = "IN", side: str = "BUY", **changes: Any) -> Deal:
    told: dict[str, Any] = {
        "ticket": 1, "order": 2, "position_id": TICKET, "entry": entry, "type": side,
        "reason": "", "symbol": "EURUSD", "volume": Decimal("0.10"), "price": Decimal("1.1"),
        "profit": Decimal(0), "swap": None, "commission": None, "fee": None, "comment": "",
        "magic": of.magic, "time": None, "broker_time_msc": None,
    }  # fmt: skip
    return Deal(**(told | changes))


def held(**changes: Any) -> PositionReading:
    told: dict[str, Any] = {
        "ticket": TICKET, "symbol": "EURUSD", "side": "BUY", "volume": Decimal("0.10"),
        "open_price": Decimal("1.1"), "current_price": Decimal("1.1"), "sl": None, "tp": None,
        "profit": Decimal(0), "swap": Decimal(0), "commission": None, "opened_at": None,
        "comment": "", "magic": None,
    }  # fmt: skip
    return PositionReading(**(told | changes))


def account(*positions: PositionReading) -> AccountReading:
    return AccountReading(
        number=1,
        name="",
        balance=Decimal(1),
        connected=True,
        has_open_position=bool(positions),
        positions=positions,
    )


def test_the_deal_of_its_stop_loss_bears_its_mark_and_did_not_open_it() -> None:
    one = order()
    stopped = deal(one, "OUT", "SELL", ticket=9, price=Decimal("1.0"))
    found = weigh(one, account(), [deal(one), stopped])
    assert (found.state, found.volume, found.price) == (
        State.FILLED,
        Decimal("0.10"),
        Decimal("1.1"),
    )


def test_a_part_of_the_volume_is_a_part() -> None:
    one = order()
    found = weigh(one, account(), [deal(one, volume=Decimal("0.04"))])
    assert (found.state, found.volume) == (State.PARTIAL, Decimal("0.04"))


def test_a_close_of_all_is_proven_by_its_deal_only_once_the_position_is_gone() -> None:
    one = order("close")
    deals = [deal(one, "OUT", "SELL", volume=Decimal("0.05"))]
    found = weigh(one, account(held(volume=Decimal("0.05"))), deals)
    assert (found.state, found.absent) == (None, False)
    assert weigh(one, account(), deals).state == State.FILLED


def test_what_bears_no_mark_of_it_proves_nothing() -> None:
    one = order()
    found = weigh(one, account(held(magic=5)), [deal(one, magic=5)])
    assert (found.state, found.absent) == (None, True)


MOVED = {"sl": Decimal(1)}
# Found, state, whether the position is gone, words.
PROPOSED = [
    (order(), [held()], None, False, "1 new position could be it"),
    (order("close"), [held()], None, False, "#77 was still open"),
    (order("close"), [held(ticket=78)], None, True, "this order or something else closed it"),
    (order("modify", **MOVED), [], None, True, "#77 is not open any more"),
    (order("modify", **MOVED), [held(**MOVED)], State.FILLED, False, "has the SL and TP"),
    (order("modify", **MOVED), [held()], None, False, "has another SL or TP"),
    (order("modify", **MOVED), [held(**MOVED, tp=Decimal(2))], None, False, "has another SL or TP"),
]


@pytest.mark.parametrize(("one", "positions", "state", "gone", "sentence"), PROPOSED)
def test_without_marks_what_could_be_it_is_told_for_each_kind(
    one: Order, positions: list[PositionReading], state: State | None, gone: bool, sentence: str
) -> None:
    found = proposal(one, account(*positions))
    assert (found.state, found.absent) == (state, gone)
    assert sentence in found.text


def test_the_history_of_contract_1_gives_the_price_of_the_close() -> None:
    one = order("close")
    deals = [deal(one, "OUT", position_id=78), deal(one, "OUT", price=Decimal("1.2"))]
    assert closed(one, deals[:1]) is None
    found = closed(one, deals)
    assert found is not None
    assert (found.state, found.absent, found.price) == (None, True, Decimal("1.2"))
