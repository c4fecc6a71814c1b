"""From what agents tell to closed trades: functions of their arguments alone."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from accounts.agents import ClosedPosition
from accounts.agents.fields import kept
from accounts.models import Agent
from trading.models.history import COMMISSIONS, TRADES, ClosedTrade, Deal

IN, OUT, INOUT, OUT_BY = "IN", "OUT", "INOUT", "OUT_BY"
OPPOSITE = {"BUY": "SELL", "SELL": "BUY"}
PRICE_STEP = Decimal("0.000000000001")
NOTHING = Decimal(0)

Part = tuple[Decimal, Decimal]
"""A price, and the volume that it was paid for."""


def of_deals(deals: Iterable[Deal]) -> ClosedTrade | None:
    """The trade that the deals of one position make until now, without its account; None when none
    of it was closed. Where more was closed than was opened before, the opening is not known. Deals
    of other types count with their money."""
    everything = sorted(deals, key=lambda deal: (deal.broker_time_msc or 0, deal.ticket))
    ordered = [deal for deal in everything if deal.type in TRADES]
    openings, closings, is_known = _walk(ordered)
    if not closings:
        return None
    opened, closed = _volume(openings), _volume(closings)
    ends = [deal for deal in ordered if deal.entry in (OUT, OUT_BY, INOUT)]
    trade = ClosedTrade(
        position_id=ordered[0].position_id or 0,
        contract=Agent.Contract.V2,
        symbol=ends[-1].symbol,
        side=_side(ordered),
        volume_opened=opened if is_known else None,
        volume_closed=closed,
        is_open=is_known and opened > closed,
        entry_price=_average(openings) if is_known else None,
        exit_price=_average(closings),
        opened_at=ordered[0].at if is_known else None,
        closed_at=ends[-1].at,
        closed_at_or_guess=ends[-1].at,
        times_uncertain=ends[-1].at_uncertain or (is_known and ordered[0].at_uncertain),
        reason=ends[-1].reason,
    )
    return _with_money(trade, ordered, [deal for deal in everything if deal.type not in TRADES])


def _with_money(trade: ClosedTrade, deals: Sequence[Deal], charges: Sequence[Deal]) -> ClosedTrade:
    """`charges`: what was charged or paid for the position by deals of other types."""
    commissions = [deal.net for deal in charges if deal.type in COMMISSIONS]
    fees = [deal.net for deal in charges if deal.type not in COMMISSIONS]
    trade.profit = kept(sum((deal.profit for deal in deals), NOTHING))
    trade.swap = _sum(deal.swap for deal in deals)
    trade.commission = _sum([*(deal.commission for deal in deals), *commissions])
    trade.fee = _sum([*(deal.fee for deal in deals), *fees])
    trade.net = net(trade)
    trade.tp_money = trade.profit if trade.reason == "TP" else None
    trade.sl_money = trade.profit if trade.reason == "SL" else None
    return trade


def net(trade: ClosedTrade) -> Decimal:
    """As far as it is told: what is not counts for nothing."""
    parts = (trade.profit, trade.swap, trade.commission, trade.fee)
    return kept(sum((part for part in parts if part is not None), NOTHING))


def _walk(deals: Iterable[Deal]) -> tuple[list[Part], list[Part], bool]:
    """What was opened and what was closed, and whether all that was closed was opened before. A
    reversal (INOUT) closes what is held and opens the rest of its volume on the other side, in the
    same position."""
    openings: list[Part] = []
    closings: list[Part] = []
    held = lowest = NOTHING
    for deal in deals:
        part = deal.volume
        if deal.entry == INOUT:
            part = min(max(held, NOTHING), deal.volume)
        if deal.entry in (OUT, OUT_BY, INOUT) and part:
            closings.append((deal.price, part))
            held -= part
            lowest = min(lowest, held)
        rest = deal.volume - part if deal.entry == INOUT else deal.volume
        if deal.entry in (IN, INOUT) and rest:
            openings.append((deal.price, rest))
            held += rest
    return openings, closings, lowest == 0


def _side(deals: Sequence[Deal]) -> str:
    """Of the first deal; one that closes is of the side opposite to its position's."""
    first = next(deal for deal in deals if deal.entry in (IN, OUT, INOUT, OUT_BY))
    return OPPOSITE[first.type] if first.entry in (OUT, OUT_BY) else first.type


def _volume(parts: Iterable[Part]) -> Decimal:
    return sum((volume for _, volume in parts), NOTHING)


def _average(parts: Sequence[Part]) -> Decimal:
    paid = sum((price * volume for price, volume in parts), NOTHING)
    return kept((paid / _volume(parts)).quantize(PRICE_STEP))


def _sum(values: Iterable[Decimal | None]) -> Decimal | None:
    """None when none of them is known."""
    known = [value for value in values if value is not None]
    return kept(sum(known, NOTHING)) if known else None


def of_closed(told: ClosedPosition, *, is_utc: bool = False) -> ClosedTrade:
    """The trade that contract 1 tells, without its account. Whether a part of it is still open is
    not told, and so is never said. `is_utc`: its times are known to be UTC."""
    trade = ClosedTrade(
        position_id=told.position_id,
        contract=Agent.Contract.V1,
        symbol=told.symbol,
        side=told.side,
        volume_opened=None,
        volume_closed=told.volume,
        entry_price=told.entry_price,
        exit_price=told.exit_price,
        opened_told=told.entry_time,
        closed_told=told.exit_time,
        opened_at=guess(told.entry_time) if is_utc else None,
        closed_at=guess(told.exit_time) if is_utc else None,
        closed_at_or_guess=guess(told.exit_time),
        profit=told.profit,
        commission=told.commission,
        reason=_reason(told),
        pips=told.pips,
        tp_money=told.tp_money,
        sl_money=told.sl_money,
    )
    trade.net = net(trade)
    return trade


def _reason(told: ClosedPosition) -> str:
    if told.tp_money is not None:
        return "TP"
    return "SL" if told.sl_money is not None else ""


def guess(told: str) -> datetime | None:
    """A time of no known zone, read as if it were UTC. None for what is no time."""
    try:
        moment = datetime.fromisoformat(told)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def sums(position: ClosedPosition) -> tuple[object, object]:
    """Lots that were closed, and the net in money."""
    trade = of_closed(position)
    return trade.volume_closed, trade.net
