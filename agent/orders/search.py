"""What the terminal's own records say of an order that has no usable result.

An order is known by its magic number, else by its tag as the comment: brokers shorten and replace
comments. A position is known by its identifier, which its deals bear as `position_id`: its ticket
may change. Finding takes one record; absence is concluded only when everything could be read, on
the login that the order was sent on, with a connection to the broker.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol, TypeVar

from agent.constants import Constants
from agent.orders.journal import Record
from agent.orders.request import OrderRequest, from_canonical
from agent.orders.result import Conclusion, Evidence, Result
from agent.orders.retcodes import POSITION_CLOSED, Outcome
from agent.orders.rules import decimal, side_number
from agent.readings import FAR_AHEAD, listed
from agent.records import AccountInfo, MetaTrader5, TradeDeal, TradeOrder, TradePosition

# Broker clocks differ from UTC by up to 14 hours, and history is asked for a day wider still.
FAR_BACK = 2 * 86_400
_ENTERING = (Constants.DEAL_ENTRY_IN, Constants.DEAL_ENTRY_INOUT)
_REFUSED_STATES = (
    Constants.ORDER_STATE_CANCELED,
    Constants.ORDER_STATE_REJECTED,
    Constants.ORDER_STATE_EXPIRED,
)


class Marked(Protocol):
    @property
    def magic(self) -> int: ...
    @property
    def comment(self) -> str: ...
    @property
    def symbol(self) -> str: ...


M = TypeVar("M", bound=Marked)


@dataclass(frozen=True, slots=True)
class Books:
    """Everything that may show the order; None for what could not be read."""

    account: AccountInfo | None
    connected: bool
    positions: tuple[TradePosition, ...] | None
    working: tuple[TradeOrder, ...] | None
    orders: tuple[TradeOrder, ...] | None
    deals: tuple[TradeDeal, ...] | None

    @property
    def whole(self) -> bool:
        return None not in (self.positions, self.working, self.orders, self.deals)


def search(mt5: MetaTrader5, record: Record, now: float) -> tuple[Evidence, Result | None]:
    """The evidence, and what the order became if that is proven. Never raises for the terminal."""
    books = _read(mt5, record, int(now))
    account = books.account
    if account is None:
        return Evidence("unreadable", "no account can be read", int(now * 1000)), None
    order = from_canonical(record.order)
    if (account.login, account.server) != (record.login, record.server):
        conclusion: Conclusion = "another-login"
        detail = f"the order was sent on login {record.login} at {record.server}"
        result = None
        books = Books(account, books.connected, None, None, None, None)
    else:
        books = _only_ours(books, order, _numbers(order, record))
        conclusion, detail, result = _CONCLUDE[order.kind](books, order, record)
    return _evidence(books, conclusion, detail, int(now * 1000)), result


def _read(mt5: MetaTrader5, record: Record, now: int) -> Books:
    """All of it under one login, or without an account."""
    since, until = (record.begun_ms or 0) // 1000 - FAR_BACK, now + FAR_AHEAD
    before, terminal = mt5.account_info(), mt5.terminal_info()
    books = Books(
        before,
        terminal is not None and terminal.connected,
        listed(mt5, mt5.positions_get()),
        listed(mt5, mt5.orders_get()),
        listed(mt5, mt5.history_orders_get(since, until)),
        listed(mt5, mt5.history_deals_get(since, until)),
    )
    after = mt5.account_info()
    if before is None or after is None or after.login != before.login:
        return Books(None, False, None, None, None, None)
    return books


def _numbers(order: OrderRequest, record: Record) -> set[int]:
    """By which the position is known that an order is about; none for one that opens."""
    if order.position is None:
        return set()
    sent = (record.sent or {}).get("position")
    return {number for number in (order.position, sent, record.identifier) if number}


def _only_ours(books: Books, order: OrderRequest, numbers: set[int]) -> Books:
    """The position that an order is about is kept whatever marks it bears, and so are its deals."""
    positions, deals = books.positions, books.deals
    if positions is not None:
        named = tuple(item for item in positions if numbers & {item.ticket, item.identifier})
        positions = _ours(positions, order) if order.kind == "open" else named
    if deals is not None:
        named_deals = {deal for deal in deals if deal.position_id in numbers}
        kept = named_deals.union(_ours(deals, order))
        deals = tuple(deal for deal in deals if deal in kept)
    working = None if books.working is None else _ours(books.working, order)
    orders = None if books.orders is None else _ours(books.orders, order)
    return Books(books.account, books.connected, positions, working, orders, deals)


def _ours(records: Iterable[M], order: OrderRequest) -> tuple[M, ...]:
    there = [item for item in records if item.symbol == order.symbol]
    by_magic = tuple(item for item in there if item.magic == order.magic)
    return by_magic or tuple(item for item in there if item.comment == order.tag)


Concluded = tuple[Conclusion, str, Result | None]


def _conclude_open(books: Books, order: OrderRequest, record: Record) -> Concluded:
    side = side_number(order.side)
    deals = [d for d in books.deals or () if d.entry in _ENTERING and d.type == side]
    if deals:
        return _from_deals(deals, order.volume, books, record)
    positions = [p for p in books.positions or () if p.type == side]
    if len(positions) > 1:
        return "ambiguous", f"{len(positions)} positions bear its marks", None
    if positions and decimal(positions[0].volume) == order.volume:
        found = positions[0]
        result = _result(
            record,
            "done",
            order=found.identifier,
            position=found.ticket,
            identifier=found.identifier,
            volume=found.volume,
            price=found.price_open,
        )
        return "found", "an open position is the order's", result
    if positions:
        return "working", "a position bears its marks, and its deals cannot be seen yet", None
    return _without_deals(books, record)


def _conclude_close(books: Books, order: OrderRequest, record: Record) -> Concluded:
    numbers = _numbers(order, record)
    closing = [
        deal
        for deal in books.deals or ()
        if deal.position_id in numbers and deal.entry != Constants.DEAL_ENTRY_IN
    ]
    ours = list(_ours(closing, order))
    if ours:
        return _from_deals(ours, _sent_volume(record), books, record)
    said = record.result.retcode if record.result else None
    # An empty tuple: the positions were read, and it is not among them.
    if said == POSITION_CLOSED and closing and books.positions == ():
        last = closing[-1]
        result = _result(
            record,
            "done",
            order=last.order,
            deal=last.ticket,
            position=_ticket(order, record),
            identifier=last.position_id,
            volume=float(sum(decimal(d.volume) for d in closing)),
            price=last.price,
        )
        return "found", "something else had closed the position", result._replace(external=True)
    conclusion, detail, none = _without_deals(books, record)
    if conclusion == "absent" and closing and not books.positions:
        detail = "something else closed the position; no deal is the order's"
    return conclusion, detail, none


def _conclude_modify(books: Books, order: OrderRequest, record: Record) -> Concluded:
    """A modify leaves no order and no deal: the levels of the position are all there is to see."""
    if books.positions is None:
        return "unreadable", "the positions cannot be read", None
    if not books.positions:
        return _absent(books, "the position is not open any more")
    position = books.positions[0]
    wanted = (order.sl or Decimal(0), order.tp or Decimal(0))
    if (decimal(position.sl), decimal(position.tp)) == wanted:
        ticket, identifier = position.ticket, position.identifier
        result = _result(record, "done", order=None, position=ticket, identifier=identifier)
        return "found", "the position has the levels that were asked for", result
    return _absent(books, f"the position has stop-loss {position.sl}, take-profit {position.tp}")


def _from_deals(
    deals: list[TradeDeal], wanted: Decimal | None, books: Books, record: Record
) -> Concluded:
    """Whole when the volumes add up; part of it only once the order is over, in the history."""
    numbers = {deal.order for deal in deals}
    if len(numbers) > 1:
        return "ambiguous", f"deals of {len(numbers)} orders bear its marks", None
    volume = sum((decimal(deal.volume) for deal in deals), Decimal(0))
    over = any(item.ticket in numbers for item in books.orders or ())
    if wanted is not None and volume < wanted and not over:
        return "working", f"{volume} of {wanted} lots have been executed so far", None
    paid = sum((decimal(deal.price) * decimal(deal.volume) for deal in deals), Decimal(0))
    last = deals[-1]
    held = [p.ticket for p in books.positions or () if p.identifier == last.position_id]
    result = _result(
        record,
        "done" if wanted is None or volume >= wanted else "partial",
        order=last.order,
        deal=last.ticket,
        position=held[0] if held else (record.sent or {}).get("position"),
        identifier=last.position_id,
        volume=float(volume),
        # Deals at several prices have an average, rounded beyond what any price shows.
        price=last.price if len(deals) == 1 else round(float(paid / volume), 12),
    )
    return "found", f"{len(deals)} deals are the order's", result


def _without_deals(books: Books, record: Record) -> Concluded:
    if books.working:
        return "working", "the order is still working", None
    for order in books.orders or ():
        if order.state in _REFUSED_STATES and order.volume_current == order.volume_initial:
            result = _result(record, "rejected", order=order.ticket, position=None)
            return "found", f"the broker ended the order unexecuted (state {order.state})", result
        return "working", "the order is in the history, and its deals cannot be seen yet", None
    return _absent(books, "no position, order or deal bears its marks")


def _absent(books: Books, detail: str) -> Concluded:
    if not books.whole:
        return "unreadable", "not everything could be read", None
    return ("absent" if books.connected else "disconnected"), detail, None


def _result(
    record: Record,
    outcome: Outcome,
    *,
    order: int | None,
    position: int | None,
    identifier: int | None = None,
    deal: int | None = None,
    volume: float | None = None,
    price: float | None = None,
) -> Result:
    """What was found, under the return code that the terminal had given, if it gave one."""
    told = record.result or Result("unknown")
    return told._replace(
        outcome=outcome,
        order=order or told.order,
        deal=deal or told.deal,
        position=position or identifier,
        identifier=identifier,
        volume=volume,
        price=price,
        recovered=True,
        lacking=False,
    )


def _ticket(order: OrderRequest, record: Record) -> int | None:
    """Of the position as it was when the order was sent."""
    return (record.sent or {}).get("position") or order.position


def _sent_volume(record: Record) -> Decimal | None:
    volume = (record.sent or {}).get("volume")
    return None if volume is None else decimal(volume)


def _evidence(books: Books, conclusion: Conclusion, detail: str, at_ms: int) -> Evidence:
    counts = {
        name: None if found is None else len(found)
        for name, found in (
            ("positions", books.positions),
            ("working", books.working),
            ("orders", books.orders),
            ("deals", books.deals),
        )
    }
    login = books.account.login if books.account else None
    server = books.account.server if books.account else None
    return Evidence(conclusion, detail, at_ms, login, server, **counts)


_CONCLUDE = {"open": _conclude_open, "close": _conclude_close, "modify": _conclude_modify}
