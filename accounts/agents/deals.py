"""The history of an account, as each contract tells it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec

from accounts.agents import fields, figures, symbol_name, v2
from accounts.agents.call import Call
from accounts.agents.errors import Malformed, TerminalDisconnected, TooLarge
from accounts.agents.figures import UNTOLD, Figure
from accounts.agents.readings import Endpoint
from accounts.agents.refusals import check_status
from accounts.agents.text import clean
from accounts.agents.trades import ClosedPosition, Deal, DealsReading

MOST = 10_000
# A deal takes some 350 bytes, and contract 1 tells all of its history at once.
MOST_BYTES = 4 * 1024 * 1024
TOLD_TIME = 40
LARGEST = Decimal(10) ** 9  # of a volume or a price
WORD = 20
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
    deals: list[Deal2]
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
    trades: list[Trade1]
    total_trades: fields.Count | None = None


_deals2 = msgspec.json.Decoder(Deals2)
_history1 = msgspec.json.Decoder(History1)
_trade1 = msgspec.json.Decoder(Trade1)


async def read(call: Call, endpoint: Endpoint, since: datetime, until: datetime) -> DealsReading:
    """Deals from `since` to `until`, both aware. Contract 1 tells closed positions only, and in no
    known zone: those of a day more on both sides, whatever `until` is, and of the month before, for
    it leaves out a trade that was opened before what it is asked for. Raise AgentError."""
    if since.utcoffset() is None or until.utcoffset() is None:
        raise ValueError("since and until must say their zone")
    if endpoint.contract == "1":
        path = f"/trade-history?{_asked1(since, datetime.now(UTC))}"
        answer = await call.send("GET", path, most=MOST_BYTES)
        check_status(answer, "GET /trade-history")
        return parse1(answer.body)
    path = f"/v2/deals?from={_text(since)}&to={_text(until)}"
    answer = await v2.signed(call, endpoint, "GET", path, most=MOST_BYTES)
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
    told = fields.decode(body, _deals2)
    _check_list([deal.ticket for deal in told.deals], "ticket", None)
    deals = sorted(map(_deal2, told.deals), key=lambda deal: deal.ticket or 0)
    return DealsReading(told.login, clean(told.server or "", fields.SERVER), tuple(deals))


def _deal2(told: Deal2) -> Deal:
    return Deal(
        ticket=told.ticket,
        order=told.order or None,
        position_id=told.position_id or None,
        entry=clean(told.entry, WORD),
        type=clean(told.type, WORD),
        reason=clean(told.reason or "", WORD),
        symbol=symbol_name.kept(told.symbol or ""),
        volume=_amount(told.volume, "volume"),
        price=_amount(told.price, "price"),
        profit=figures.known(told.profit, "profit", places=2),
        swap=figures.told(told.swap, "swap", places=2),
        commission=figures.told(told.commission, "commission", places=2),
        fee=figures.told(told.fee, "fee", places=2),
        comment=clean(told.comment or "", fields.COMMENT),
        magic=told.magic,
        time=v2.utc(told.time),
        broker_time_msc=told.broker_time_msc,
        time_uncertain=told.time_uncertain,
    )


def parse1(body: bytes) -> DealsReading:
    """Raise Malformed, NotJson, TooLarge, or TerminalDisconnected for the empty list of a failed
    read."""
    told = fields.decode(body, _history1)
    if not told.account_number:
        raise TerminalDisconnected(DISCONNECTED)
    _check_list([trade.position_id for trade in told.trades], "position_id", told.total_trades)
    trades = sorted(told.trades, key=lambda trade: trade.position_id)
    closed = tuple(map(_closed1, trades))
    return DealsReading(told.account_number, "", tuple(map(_deal1, trades)), closed)


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
        volume=_amount(told.lot, "lot"),
        entry_price=_bounded(told.entry_price, "entry_price") or None,
        exit_price=_amount(told.exit_price, "exit_price"),
        entry_time=clean(told.entry_time or "", TOLD_TIME),
        exit_time=clean(told.exit_time or "", TOLD_TIME),
        profit=figures.known(told.profit, "profit", places=2),
        commission=figures.told(told.commission, "commission", places=2),
        pips=_bounded(told.pips, "pips"),
        tp_money=figures.told(told.tp_money, "tp_money", places=2),
        sl_money=figures.told(told.sl_money, "sl_money", places=2),
    )


def _deal1(told: Trade1) -> Deal:
    return Deal(
        ticket=None,
        order=None,
        position_id=told.position_id,
        entry="OUT",
        type="SELL" if told.side == "BUY" else "BUY",
        reason="",
        symbol=symbol_name.kept(told.symbol),
        volume=_amount(told.lot, "lot"),
        price=_amount(told.exit_price, "exit_price"),
        profit=figures.known(told.profit, "profit", places=2),
        swap=None,
        commission=figures.told(told.commission, "commission", places=2),
        fee=None,
        comment="",
        magic=None,
        time=None,
        broker_time_msc=None,
        told_time=clean(told.exit_time or "", TOLD_TIME),
    )


def _check_list(numbers: list[int], field: str, count: int | None) -> None:
    if len(numbers) > MOST:
        raise TooLarge(f"The answer lists more than {MOST} deals: ask for a shorter time.")
    if len(set(numbers)) != len(numbers):
        raise Malformed(f"{field}: the same number twice in one list")
    if count not in (None, len(numbers)):
        raise Malformed(f"The agent counts {count} trades and lists {len(numbers)}.")


def _amount(raw: Figure, field: str) -> Decimal:
    """0 or more; a deal that moves money and no volume has 0."""
    value = figures.known(raw, field)
    if not 0 <= value <= LARGEST:
        raise Malformed(f"{field}: expected a number from 0 to {LARGEST:f}")
    return value


def _bounded(raw: Figure, field: str) -> Decimal | None:
    value = figures.told(raw, field)
    if value is not None and abs(value) > LARGEST:
        raise Malformed(f"{field}: expected a number of at most {LARGEST:f}")
    return value


def _text(moment: datetime) -> str:
    """UTC to the millisecond, with a Z: a plus sign would not survive in a query."""
    utc = moment.astimezone(UTC).replace(tzinfo=None)
    return f"{utc.isoformat(timespec='milliseconds')}Z"
