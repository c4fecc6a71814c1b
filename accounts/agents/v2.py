"""Contract 2: one signed reading of the account and all its positions, with an ETag."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from accounts.agents import fields, listed, symbol_name
from accounts.agents.call import Answer, Call, Headers, target
from accounts.agents.errors import Malformed, RefusedRequest, SecretMissing, TerminalDisconnected
from accounts.agents.readings import AccountReading, Endpoint, PositionReading, Reading
from accounts.agents.refusals import check_status
from accounts.agents.signing import Signer, is_signed
from mt5monitor.text import clean

NOT_MODIFIED = 304
ERROR = 400
ETAG = 128
DISCONNECTED = "The agent answers, but its MT5 terminal has lost its broker: look at the terminal."
DISCONNECTED_PROBLEMS = frozenset({"terminal-unavailable", "account-unreadable"})
MARGIN_MODES: dict[str, Literal["hedging", "netting"]] = {
    "hedging": "hedging",
    "netting": "netting",
}


class Position(msgspec.Struct):
    ticket: fields.Ticket
    symbol: str
    type: Literal["BUY", "SELL"]
    volume: fields.Volume
    open_price: fields.Price
    current_price: fields.Price
    profit: fields.Money
    swap: fields.Money
    sl: fields.Price | None = None
    tp: fields.Price | None = None
    commission: fields.Money | None = None
    open_time: str | None = None
    comment: str | None = None
    magic: fields.Magic | None = None
    identifier: fields.TicketOr0 | None = None


class State(msgspec.Struct):
    login: fields.Login
    connected: bool
    balance: fields.Money
    equity: fields.Money
    profit: fields.Money
    positions: listed.Rows
    name: str | None = None
    server: str | None = None
    company: str | None = None
    currency: str | None = None
    currency_digits: Any = None
    margin_mode: str | None = None
    leverage: fields.Count | None = None
    credit: fields.Money | None = None
    margin: fields.Money | None = None
    margin_free: fields.Money | None = None
    trade_allowed: bool | None = None
    days_operating: fields.Count | None = None


class Ping(msgspec.Struct):
    contract: str
    agent: str = ""


_state = msgspec.json.Decoder(State)
_position = msgspec.json.Decoder(Position)
_ping = msgspec.json.Decoder(Ping)


async def read(call: Call, endpoint: Endpoint) -> Reading | None:
    """None when the agent says that nothing changed since `endpoint.etag`."""
    etag = endpoint.etag
    answer = await signed(
        call,
        endpoint,
        "GET",
        "/v2/state",
        (("If-None-Match", etag),) if etag else (),
        most=call.limits.max_reading_bytes,
    )
    if answer.status == NOT_MODIFIED and etag:
        return None
    check(answer, "GET /v2/state")
    return Reading((parse_state(answer.body),), False, _etag(answer.headers.get("etag", "")))


def _etag(told: str) -> str | None:
    """None for one that cannot be kept, or be sent back as it came."""
    fits = told.isascii() and told.isprintable() and len(told) <= ETAG
    return told if told and fits else None


async def refresh(call: Call, endpoint: Endpoint) -> None:
    check(await signed(call, endpoint, "POST", "/v2/refresh"), "POST /v2/refresh")


async def ping(call: Call, endpoint: Endpoint) -> str:
    """Ask without a signature who is there, then with one, which shows that the secret fits."""
    answer = await call.send("GET", "/v2/ping")
    check_status(answer, "GET /v2/ping")
    told = fields.decode(answer.body, _ping)
    if told.contract != "2":
        raise Malformed(f"contract: expected 2, got {clean(told.contract, 20)}")
    reading = await read(call, msgspec.structs.replace(endpoint, etag=None))
    account = reading.accounts[0] if reading else None
    watches = f"account {account.number} at {account.server or 'its broker'}" if account else "none"
    return f"{clean(told.agent, 60) or 'The agent'} (contract 2) monitors {watches}"


async def signed(
    call: Call,
    endpoint: Endpoint,
    method: str,
    path: str,
    extra: Headers = (),
    *,
    most: int = 0,
) -> Answer:
    """A verified answer. An error without a signature is let through, to be reported as what it
    is: something on the way answered, and nothing of it is believed but that."""
    if not endpoint.secret:
        raise SecretMissing("Contract 2 needs the agent's secret: set it. Nothing was sent.")
    signer = Signer(endpoint.secret, method, target(call.base, path))
    answer = await call.send(method, path, lambda: (*signer.headers(), *extra), most=most)
    if answer.status < ERROR or is_signed(answer):
        signer.verify(answer)
    return answer


def check(answer: Answer, what: str) -> None:
    try:
        check_status(answer, what)
    except RefusedRequest as error:
        if is_signed(answer) and kind_of(error) in DISCONNECTED_PROBLEMS:
            raise TerminalDisconnected(DISCONNECTED) from error
        raise


def kind_of(error: RefusedRequest) -> str:
    """The type of a problem without the address that may stand before it."""
    return error.problem.rpartition("/")[2].rpartition(":")[2]


def parse_state(body: bytes) -> AccountReading:
    """Raise Malformed, NotJson or TerminalDisconnected."""
    state = listed.decode(body, _state)
    if not state.connected or not state.login:
        raise TerminalDisconnected(DISCONNECTED)
    positions, unreadable = listed.read(state.positions, _read_position, _ticket, "ticket")
    return AccountReading(
        number=state.login,
        name=clean(state.name or "", fields.NAME),
        balance=fields.money(state.balance),
        connected=True,
        has_open_position=bool(state.positions),
        positions=tuple(positions),
        unreadable=unreadable,
        equity=fields.money(state.equity),
        floating=fields.money(state.profit),
        margin=fields.money_or_none(state.margin),
        margin_free=fields.money_or_none(state.margin_free),
        credit=fields.money_or_none(state.credit),
        server=clean(state.server or "", fields.SERVER),
        company=clean(state.company or "", fields.NAME),
        currency=clean(state.currency or "", fields.CURRENCY),
        currency_digits=fields.places(state.currency_digits),
        leverage=state.leverage or None,
        margin_mode=MARGIN_MODES.get(state.margin_mode or "", ""),
        trade_allowed=state.trade_allowed,
        days_operating=state.days_operating,
    )


def _ticket(position: PositionReading) -> int:
    return position.ticket


def _read_position(row: bytes) -> PositionReading:
    """Raise Malformed or NotJson."""
    position = fields.decode(row, _position)
    symbol = symbol_name.kept(position.symbol)
    if not symbol.strip():
        raise Malformed("symbol: expected a name, got nothing")
    return PositionReading(
        ticket=position.ticket,
        symbol=symbol,
        side=position.type,
        volume=fields.volume(position.volume),
        open_price=fields.price(position.open_price),
        current_price=fields.price(position.current_price),
        sl=fields.level(position.sl),
        tp=fields.level(position.tp),
        profit=fields.money(position.profit),
        swap=fields.money(position.swap),
        commission=fields.money_or_none(position.commission),
        opened_at=utc(position.open_time),
        comment=clean(position.comment or "", fields.COMMENT),
        magic=position.magic,
        identifier=position.identifier or None,
    )


def utc(text: str | None) -> datetime | None:
    """An ISO time that says its offset; one that does not is no known moment."""
    try:
        told = datetime.fromisoformat(text or "")
        return told.astimezone(UTC) if told.tzinfo else None
    except (ValueError, OverflowError):
        return None
