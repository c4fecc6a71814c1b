"""What an account shows of an order whose outcome is unknown.

Presence is proven by the order's own mark: its magic first, for brokers alter comments, then its
tag. Absence counts only when everything that could show the order was read, of the right login.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from accounts.agents import AccountReading, Deal, PositionReading
from accounts.agents.retcodes import POSITION_CLOSED
from trading.models import Order
from trading.positions import find
from trading.states import State

GONE = "is not open any more: this order or something else closed it."
UNREADABLE = "Some of the open positions could not be read: look at the terminal."


@dataclass(frozen=True, slots=True)
class Finding:
    """`state` None: nothing is proven. `absent`: a credible reading shows no trace of the order;
    with contract 1, of the position that it was to close or to modify."""

    state: State | None
    text: str
    absent: bool = False
    volume: Decimal | None = None
    price: Decimal | None = None
    position: int | None = None
    """The ticket, and the identifier, of the position that it opened."""
    identifier: int | None = None
    shown: Any = None

    @property
    def opened(self) -> dict[str, Any]:
        """The columns of the position; where it is not told, what the order knows stays."""
        told = {"position_ticket": self.position, "position_identifier": self.identifier}
        return {name: number for name, number in told.items() if number is not None}


def bears_mark(order: Order, comment: str | None, magic: int | None) -> bool:
    return magic == order.magic or bool(comment and order.tag in comment)


def weigh(order: Order, account: AccountReading, deals: Sequence[Deal]) -> Finding:
    """Of an agent that tells marks (contract 2); both are of the right login."""
    positions = account.positions
    if order.kind == Order.Kind.MODIFY:
        return _modified(order, account)
    named = find(positions or (), order.position, order.position_identifier)
    if found := dealt(order, deals, positions or ()):
        closes_all = order.kind == Order.Kind.CLOSE and order.volume is None
        if closes_all and (named is not None or _may_be_open(order, account)):
            # A part of it, or the positions were read before the deals: the next look tells.
            text = f"{found.text} The position was still open just before."
            return Finding(None, text, shown=found.shown)
        return found
    held = [p for p in positions or () if bears_mark(order, p.comment, p.magic)]
    if order.kind == Order.Kind.OPEN and held:
        return _held(order, held)
    is_gone = order.kind == Order.Kind.CLOSE and account.is_whole and named is None
    if is_gone and (gone := _closed_by_others(order, deals)):
        return gone
    return Finding(None, "No trace of it was found.", absent=account.is_whole)


def _may_be_open(order: Order, account: AccountReading) -> bool:
    """Whether the position of the order may be among those that could not be read."""
    return any(row.ticket in (None, order.position) for row in account.unreadable)


def _closed_by_others(order: Order, deals: Sequence[Deal]) -> Finding | None:
    """Of a position that is not open, by deals none of which is the order's. All of it is gone: the
    broker said so (10036), or what was closed adds up to what was opened."""
    of_it = [deal for deal in deals if deal.position_id == order.identity]
    closings = [deal for deal in of_it if deal.entry in ("OUT", "OUT_BY")]
    opened = sum((deal.volume for deal in of_it if deal.entry == "IN"), Decimal(0))
    closed = sum((deal.volume for deal in closings), Decimal(0))
    if not closings or (order.retcode != POSITION_CLOSED and closed != opened):
        return None
    last = closings[-1]
    why = {"SL": "its stop-loss", "TP": "its take-profit", "SO": "a stop-out"}.get(last.reason)
    text = f"The position had been closed already by {why or 'something else'}: deal {last.ticket}."
    shown = [str(deal.ticket) for deal in closings]
    return Finding(State.CLOSED_EXTERNALLY, text, price=last.price, shown=shown)


def dealt(
    order: Order, deals: Sequence[Deal], positions: Sequence[PositionReading] = ()
) -> Finding | None:
    """What those of `deals` prove that are the order's; None when there is none. `positions`: those
    that are open, for the ticket of what it opened.

    A position hands its marks on to the deal of its own stop-loss or take-profit: such a deal is
    not the one that opened it.
    """
    marked = [
        deal
        for deal in deals
        if bears_mark(order, deal.comment, deal.magic) and _may_be(order, deal)
    ]
    return _dealt(order, marked, positions) if marked else None


def _may_be(order: Order, deal: Deal) -> bool:
    if order.kind == Order.Kind.OPEN:
        return deal.entry in ("IN", "INOUT") and deal.type == order.side
    return deal.entry != "IN"


def _dealt(order: Order, deals: list[Deal], positions: Sequence[PositionReading]) -> Finding:
    volume = sum((deal.volume for deal in deals), Decimal(0))
    value = sum((deal.price * deal.volume for deal in deals), Decimal(0))
    whole = order.volume is None or volume >= order.volume
    state = State.FILLED if whole else State.PARTIAL
    tickets = ", ".join(str(deal.ticket) for deal in deals)
    identifier = deals[0].position_id
    held = find(positions, identifier)
    return Finding(
        state,
        f"Found in the history: deal {tickets}.",
        volume=volume,
        price=value / volume if volume else None,
        position=held.ticket if held else identifier,
        identifier=identifier,
        shown=[str(deal.ticket) for deal in deals],
    )


def _held(order: Order, positions: list[PositionReading]) -> Finding:
    volume = sum((position.volume for position in positions), Decimal(0))
    whole = order.volume is None or volume >= order.volume
    first = positions[0]
    return Finding(
        State.FILLED if whole else State.PARTIAL,
        f"Found among the open positions: #{first.ticket}.",
        volume=volume,
        price=first.open_price,
        position=first.ticket,
        identifier=first.identifier,
    )


def _modified(order: Order, account: AccountReading) -> Finding:
    if account.positions is None:
        return Finding(None, "The positions could not be read.")
    position = find(account.positions, order.position, order.position_identifier)
    if position is None and account.unreadable:
        return Finding(None, UNREADABLE)
    if position is None:
        return Finding(State.CLOSED_EXTERNALLY, "The position is closed.")
    if (position.sl, position.tp) == (order.sl, order.tp):
        return Finding(State.FILLED, "The position has the SL and TP that were asked for.")
    return Finding(None, "The position has other levels than asked.", absent=True)


def proposal(order: Order, account: AccountReading) -> Finding:
    """Of an agent that tells no marks (contract 1): which position is an open's, a person decides.
    For a close and a modify it is enough that what was asked for holds."""
    positions = account.positions or ()
    if order.kind == Order.Kind.OPEN:
        shown = candidates(order, positions)
        text = f"{len(shown) or 'No'} new position{'' if len(shown) == 1 else 's'} could be it."
        if account.unreadable:
            text = f"{text} {UNREADABLE}"
        return Finding(None, text, shown=[_plain(position) for position in shown])
    position = find(positions, order.position, order.position_identifier)
    if position is None and account.unreadable:
        return Finding(None, UNREADABLE, shown=[])
    if position is None:
        return Finding(None, f"Position #{order.position} {GONE}", absent=True, shown=[])
    if order.kind == Order.Kind.CLOSE:
        text = f"Position #{order.position} was still open when it was looked for."
    elif (position.sl, position.tp) == (order.sl, order.tp):
        text = f"Position #{order.position} has the SL and TP that were asked for."
        return Finding(State.FILLED, text)
    else:
        text = f"Position #{order.position} has another SL or TP than was asked for."
    return Finding(None, text, shown=[])


def closed(order: Order, deals: Sequence[Deal]) -> Finding | None:
    """What the history of contract 1 adds, where a reading does not show the position any more: at
    which price it was closed, but not by whom. None when it does not have it."""
    closing = next((deal for deal in deals if deal.position_id == order.identity), None)
    if closing is None:
        return None
    text = f"Position #{order.position} {GONE} The history shows it."
    return Finding(None, text, absent=True, price=closing.price)


def _plain(position: PositionReading) -> dict[str, Any]:
    return {
        "ticket": position.ticket,
        "side": position.side,
        "volume": f"{position.volume:f}",
        "price": f"{position.open_price:f}",
    }


def candidates(order: Order, positions: Sequence[PositionReading]) -> list[PositionReading]:
    """New positions that the order may have opened."""
    before = set(order.tickets_before or ())
    return [
        position
        for position in positions
        if position.ticket not in before
        and (position.symbol, position.side) == (order.symbol, order.side)
        and (order.volume is None or position.volume <= order.volume)
    ]
