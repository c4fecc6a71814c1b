"""What agents tell of the past, made up: deals of contract 2 with money that adds up."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from accounts.agents import Deal

D = Decimal
BEGAN = datetime(2026, 3, 2, 9, tzinfo=UTC)
SIDES = {"BUY": "SELL", "SELL": "BUY"}


def deal(ticket: int, **columns: Any) -> Deal:
    """An opening of 1 lot at 1.1, unless it is told otherwise; a minute after another a ticket."""
    at = columns.pop("time", BEGAN + timedelta(minutes=ticket))
    told = {"ticket": ticket, "order": ticket, "position_id": 1, "entry": "IN", "type": "BUY"}
    told |= {"reason": "CLIENT", "symbol": "EURUSD", "volume": D(1), "price": D("1.1")}
    told |= {"profit": D(0), "swap": D(0), "commission": D(0), "fee": D(0), "comment": ""}
    told |= {
        "time_uncertain": False,
        "magic": 0,
        "time": at,
        "broker_time_msc": at and int(at.timestamp() * 1000),
    }
    return Deal(**told | columns)


def money(most: int = 100_000) -> st.SearchStrategy[Decimal]:
    return st.integers(-most, most).map(lambda cents: Decimal(cents) / 100)


@st.composite
def pasts(draw: st.DrawFn) -> list[Deal]:
    """A deposit, then positions that are opened, added to, closed in parts or left open, at the
    same time as one another, and fees between them."""
    told = [deal(1, position_id=None, type="BALANCE", volume=D(0), price=D(0), profit=D(10_000))]
    held: dict[int, tuple[str, Decimal]] = {}
    for ticket in range(2, 2 + draw(st.integers(0, 30))):
        known = {"ticket": ticket, "profit": draw(money()), "commission": draw(money(500))}
        known |= {"swap": draw(money(500)), "fee": draw(money(100)), "price": D(ticket) / 10}
        what = draw(st.sampled_from(["open", "add", "close", "close", "fee"]))
        if what == "fee":
            kind = draw(st.sampled_from(["CHARGE", "COMMISSION", "TAX"]))
            number = None if kind == "CHARGE" or not held else max(held)
            told.append(deal(**known | {"position_id": number, "type": kind, "volume": D(0)}))
        elif what == "open" or not held:
            side, lots = draw(st.sampled_from(["BUY", "SELL"])), D(draw(st.integers(1, 9))) / 10
            held[ticket] = (side, lots)
            told.append(deal(**known, position_id=ticket, type=side, volume=lots))
        else:
            number = draw(st.sampled_from(sorted(held)))
            told.append(_later(draw, known, number, held, adds=what == "add"))
    return told


def _later(
    draw: st.DrawFn,
    known: dict[str, Any],
    number: int,
    held: dict[int, tuple[str, Decimal]],
    *,
    adds: bool,
) -> Deal:
    side, lots = held[number]
    if adds:
        held[number] = (side, lots + D("0.2"))
        return deal(**known, position_id=number, type=side, volume=D("0.2"))
    part = D(draw(st.integers(1, int(lots * 10)))) / 10
    held[number] = (side, lots - part)
    if lots == part:
        del held[number]
    return deal(**known, position_id=number, entry="OUT", type=SIDES[side], volume=part)
