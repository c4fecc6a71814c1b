"""The history of an account, as each contract tells it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec

from accounts.agents import fields, figures, listed, symbol_name, v2
from accounts.agents.call import Call
from accounts.agents.errors import Malformed, TerminalDisconnected, TooLarge
from accounts.agents.figures import UNTOLD, Figure
from accounts.agents.readings import Endpoint
from accounts.agents.refusals import check_status
from accounts.agents.trades import ClosedPosition, Deal, DealsReading
from mt5monitor.text import clean

MOST = 10_000
TOLD_TIME = 40
LARGEST = Decimal(10) ** 9  # of a volume or a price
WORD = 20
PIPS_PLACES = 8
# Contract 1 takes and gives the time of the VPS or the broker, in no known zone.
ANY_ZONE = timedelta(days=1)
HELD = timedelta(days=31)
MOST_DAYS = 365
DISCONNECTED = (
    "The agent answers for no account: its terminal is not logged in, or the read failed."
)


class Deal2(msgspec.Struct):
    ticket: fields.Ticket
    entry: str
    type: str
    order: fields.TicketOr0 | None = None
    position_id: fields.TicketOr0 | None = None
    reason: str | None = None
    symbol: str | None = None
    volume: Figure = UNTOLD
    price: Figure = UNTOLD
    profit: Figure = UNTOLD
    swap: Figure = UNTOLD
    commission: Figure = UNTOLD
    fee: Figure = UNTOLD
    comment: str | None = None
    magic: fields.Magic | None = None
    time: str | None = None
    time_uncertain: bool | None = None
    broker_time_msc: fields.Magic | None = None


class Deals2(msgspec.Struct):
    login: fields.Ticket
    deals: listed.Rows
    server: str | None = None


class Trade1(msgspec.Struct):
    symbol: str
    side: str
    position_id: fields.Ticket
    lot: Figure = UNTOLD
    profit: Figure = UNTOLD
    commission: Figure = UNTOLD
    exit_price: Figure = UNTOLD
    exit_time: str | None = None
    entry_price: Figure = UNTOLD
    entry_time: str | None = None
    pips: Figure = UNTOLD
    tp_money: Figure = UNTOLD
    sl_money: Figure = UNTOLD


class History1(msgspec.Struct):
    account_number: fields.Login
    trades: listed.Rows
    total_trades: fields.Count | None = None


_deals2 = msgspec.json.Decoder(Deals2)
_history1 = msgspec.json.Decoder(History1)
_deal = msgspec.json.Decoder(Deal2)
_trade1 = msgspec.json.Decoder(Trade1)


async def read(call: Call, endpoint: Endpoint, since: datetime, until: datetime) -> DealsReading:
    """Deals from `since` to `until`, both aware. Contract 1 tells closed positions only, and in no
    known zone: those of a day more on both sides, whatever `until` is, and of the month before, for
    it leaves out a trade that was opened before what it is asked for. Raise AgentError."""
    if since.utcoffset() is None or until.utcoffset() is None:
        raise ValueError("since and until must say their zone")
    if endpoint.contract == "1":
        path = f"/trade-history?{_asked1(since, datetime.now(UTC))}"
        answer = await call.send("GET", path, most=call.limits.max_reading_bytes)
        check_status(answer, "GET /trade-history")
        return parse1(answer.body)
    path = f"/v2/deals?from={_text(since)}&to={_text(until)}"
    answer = await v2.signed(call, endpoint, "GET", path, most=call.limits.max_reading_bytes)
    v2.check(answer, "GET /v2/deals")
    return parse2(answer.body)


def _asked1(since: datetime, now: datetime) -> str:
    """By days where they are enough: of `from_date`, agents in the field look for openings only
    in the seven days before it."""
    days = (now - since + ANY_ZONE + HELD).days + 1
    if days <= MOST_DAYS:
        return f"days={max(1, days)}"
    start = (since - ANY_ZONE).astimezone(UTC).replace(tzinfo=None)
    return f"from_date={start.isoformat(timespec='seconds')}"


def parse2(body: bytes) -> DealsReading:
    """Raise Malformed, NotJson or TooLarge."""
    told = listed.decode(body, _deals2)
    _check_count(len(told.deals), None)
    deals, unreadable = listed.read(told.deals, _deal2, _ticket, "ticket")
    server = clean(told.server or "", fields.SERVER)
    return DealsReading(told.login, server, tuple(deals), unreadable=unreadable)


def _ticket(deal: Deal) -> int:
    return deal.ticket or 0


def _deal2(row: bytes) -> Deal:
    told = fields.decode(row, _deal)
    return Deal(
        ticket=told.ticket,
        order=told.order or None,
        position_id=told.position_id or None,
        entry=clean(told.entry, WORD),
        type=clean(told.type, WORD),
        reason=clean(told.reason or "", WORD),
        symbol=symbol_name.kept(told.symbol or ""),
        volume=_amount(told.volume, "volume", fields.VOLUME_PLACES),
        price=_amount(told.price, "price"),
        profit=_profit(told.profit),
        swap=_money(told.swap, "swap"),
        commission=_money(told.commission, "commission"),
        fee=_money(told.fee, "fee"),
        comment=clean(told.comment or "", fields.COMMENT),
        magic=told.magic,
        time=v2.utc(told.time),
        broker_time_msc=told.broker_time_msc,
        time_uncertain=told.time_uncertain,
    )


def parse1(body: bytes) -> DealsReading:
    """Raise Malformed, NotJson, TooLarge, or TerminalDisconnected for the empty list of a failed
    read."""
    told = listed.decode(body, _history1)
    if not told.account_number:
        raise TerminalDisconnected(DISCONNECTED)
    _check_count(len(told.trades), told.total_trades)
    closed, unreadable = listed.read(told.trades, closed_position, _position_id, "position_id")
    deals = tuple(map(_deal1, closed))
    return DealsReading(told.account_number, "", deals, tuple(closed), unreadable)


def _position_id(closed: ClosedPosition) -> int:
    return closed.position_id


def closed_position(body: bytes) -> ClosedPosition:
    """One trade object of contract 1, from wherever it was kept. Raise Malformed or NotJson."""
    return _closed1(fields.decode(body, _trade1))


def _closed1(told: Trade1) -> ClosedPosition:
    if told.side not in ("BUY", "SELL"):
        raise Malformed(f"side: expected BUY or SELL, got {clean(told.side, WORD)}")
    return ClosedPosition(
        position_id=told.position_id,
        symbol=symbol_name.kept(told.symbol),
        side="BUY" if told.side == "BUY" else "SELL",
        volume=_amount(told.lot, "lot", fields.VOLUME_PLACES),
        entry_price=_bounded(told.entry_price, "entry_price") or None,
        exit_price=_amount(told.exit_price, "exit_price"),
        entry_time=clean(told.entry_time or "", TOLD_TIME),
        exit_time=clean(told.exit_time or "", TOLD_TIME),
        profit=_profit(told.profit),
        commission=_money(told.commission, "commission"),
        pips=_bounded(told.pips, "pips", PIPS_PLACES),
        tp_money=_money(told.tp_money, "tp_money"),
        sl_money=_money(told.sl_money, "sl_money"),
    )


def _deal1(closed: ClosedPosition) -> Deal:
    return Deal(
        ticket=None,
        order=None,
        position_id=closed.position_id,
        entry="OUT",
        type="SELL" if closed.side == "BUY" else "BUY",
        reason="",
        symbol=closed.symbol,
        volume=closed.volume,
        price=closed.exit_price,
        profit=closed.profit,
        swap=None,
        commission=closed.commission,
        fee=None,
        comment="",
        magic=None,
        time=None,
        broker_time_msc=None,
        told_time=closed.exit_time,
    )


def _check_count(listed: int, count: int | None) -> None:
    if listed > MOST:
        raise TooLarge(f"The answer lists more than {MOST} deals: ask for a shorter time.")
    if count not in (None, listed):
        raise Malformed(f"The agent counts {count} trades and lists {listed}.")


def _money(raw: Figure, field: str) -> Decimal | None:
    """In the decimals it came with, within what both databases keep."""
    value = figures.told(raw, field, places=fields.MONEY_PLACES)
    return None if value is None else fields.kept(value)


def _profit(raw: Figure) -> Decimal:
    profit = _money(raw, "profit")
    if profit is None:
        raise Malformed("profit: missing")
    return profit


def _amount(raw: Figure, field: str, places: int = fields.PRICE_PLACES) -> Decimal:
    """0 or more; a deal that moves money and no volume has 0."""
    value = fields.kept(figures.known(raw, field, places=places))
    if not 0 <= value <= LARGEST:
        raise Malformed(f"{field}: expected a number from 0 to {LARGEST:f}")
    return value


def _bounded(raw: Figure, field: str, places: int = fields.PRICE_PLACES) -> Decimal | None:
    value = figures.told(raw, field, places=places)
    value = None if value is None else fields.kept(value)
    if value is not None and abs(value) > LARGEST:
        raise Malformed(f"{field}: expected a number of at most {LARGEST:f}")
    return value


def _text(moment: datetime) -> str:
    """UTC to the millisecond, with a Z: a plus sign would not survive in a query."""
    utc = moment.astimezone(UTC).replace(tzinfo=None)
    return f"{utc.isoformat(timespec='milliseconds')}Z"
