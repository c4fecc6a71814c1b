"""Contract 1: what agents in the field speak, bugs included.

A terminal that is not logged in answers 200 with account 0 and balance 0; a failed read of the
positions answers 200 with an empty list. Neither is ever taken for a figure.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from accounts.agents import fields, listed, symbol_name
from accounts.agents.call import Call
from accounts.agents.errors import AgentError, Malformed, TerminalDisconnected, TooLarge
from accounts.agents.readings import AccountReading, Endpoint, PositionReading, Reading
from accounts.agents.refusals import check_status
from mt5monitor.text import clean

# Of one answer. Each is looked up with each poll; agents in the field serve a handful.
ACCOUNTS_MOST = 1000
LONG = frozenset({"/accounts", "/positions"})
NOT_TOLD = frozenset({"unknown", "n/a", "none", "null"})
DISCONNECTED = "The agent answers, but its MT5 terminal is not logged in: look at the terminal."


class Account(msgspec.Struct):
    account_number: fields.Login
    has_open_position: bool | None = None
    balance: fields.Money | None = None
    account_name: str | None = None
    status: str | None = None
    days_operating: fields.Count | None = None
    account_holder: str | None = None
    prop_firm: str | None = None
    initial_balance: fields.Money | None = None


class Accounts(msgspec.Struct):
    accounts: list[Account] | msgspec.UnsetType = msgspec.UNSET


class Position(msgspec.Struct):
    ticket: fields.Ticket
    symbol: str
    type: str
    volume: fields.Volume
    open_price: fields.Price
    current_price: fields.Price
    profit: fields.Money
    swap: fields.Money
    sl: fields.Price | None = None
    tp: fields.Price | None = None
    commission: fields.Money | None = None


class Positions(msgspec.Struct):
    account_number: fields.Login
    positions: listed.Rows
    position_count: fields.Count | None = None


class Service(msgspec.Struct):
    service: str | None = None
    agent_name: str | None = None
    version: str | None = None


class Health(msgspec.Struct):
    accounts_monitored: fields.Count | None = None


_account = msgspec.json.Decoder(Account)
_accounts = msgspec.json.Decoder(Accounts)
_list = msgspec.json.Decoder(list[Account])
_positions = msgspec.json.Decoder(Positions)
_position = msgspec.json.Decoder(Position)
_service = msgspec.json.Decoder(Service)
_health = msgspec.json.Decoder(Health)


async def read(call: Call, endpoint: Endpoint) -> Reading:
    told, is_list = parse_accounts(await _get(call, "/accounts"))
    if len(told) > ACCOUNTS_MOST:
        raise TooLarge(
            f"The agent lists more than {ACCOUNTS_MOST:,} accounts. Check the URL and the agent."
        )
    live = [account for account in told if account.account_number]
    if not live or (len(told) == 1 and not _connected(live[0])):
        raise TerminalDisconnected(DISCONNECTED)
    _check_unique([account.account_number for account in live], "account_number")
    positions: Positions | str = ""
    if any(_connected(account) and account.has_open_position for account in live):
        positions = await _read_positions(call)
    readings = tuple(account_reading(account, positions) for account in live)
    return Reading(readings, is_list)


async def refresh(call: Call, endpoint: Endpoint) -> None:
    check_status(await call.send("POST", "/refresh"), "POST /refresh")


async def ping(call: Call, endpoint: Endpoint) -> str:
    service = fields.decode(await _get(call, "/"), _service)
    health = fields.decode(await _get(call, "/health"), _health)
    name = clean(service.service or service.agent_name or "", 60) or "The agent"
    version = clean(service.version or "", 20)
    count = health.accounts_monitored
    monitors = "an unknown number of accounts" if count is None else f"{count} account"
    plural = "s" if count not in (None, 1) else ""
    return f"{f'{name} {version}'.strip()} (contract 1) monitors {monitors}{plural}"


async def _get(call: Call, path: str) -> bytes:
    # The list of positions is as long as it is, that of accounts may be.
    most = call.limits.max_reading_bytes if path in LONG else 0
    answer = await call.send("GET", path, most=most)
    check_status(answer, f"GET {path}")
    return answer.body


async def _read_positions(call: Call) -> Positions | str:
    """The open positions, or a sentence why they are unknown: the account is known all the same."""
    try:
        positions = parse_positions(await _get(call, "/positions"))
    except AgentError as error:
        return f"The positions could not be read. {error.sentence}"
    return positions


def parse_accounts(body: bytes) -> tuple[list[Account], bool]:
    """The accounts of any of the three forms, and whether it was a list. Raise AgentError."""
    if body.lstrip()[:1] == b"[":
        return fields.decode(body, _list), True
    wrapped = fields.decode(body, _accounts).accounts
    if wrapped is not msgspec.UNSET:
        return wrapped, True
    return [fields.decode(body, _account)], False


def parse_positions(body: bytes) -> Positions:
    """Its rows are read later, each for itself. Raise Malformed or NotJson."""
    return listed.decode(body, _positions)


def account_reading(account: Account, told: Positions | str) -> AccountReading:
    """`told` is what /positions answered, or why it did not. Raise Malformed."""
    if account.balance is None:
        raise Malformed("balance: missing")
    if account.has_open_position is None:
        raise Malformed("has_open_position: missing")
    balance = fields.money(account.balance)
    connected = _connected(account)
    positions = _positions_of(account, told) if connected else DISCONNECTED
    known: dict[str, Any] = {"positions": None, "positions_error": clean(str(positions), 300)}
    if not isinstance(positions, str):
        known = _held(balance, *positions)
    return AccountReading(
        number=account.account_number,
        name=clean(account.account_name or "", fields.NAME),
        balance=balance,
        connected=connected,
        has_open_position=account.has_open_position,
        days_operating=account.days_operating,
        holder=_told(account.account_holder, fields.HOLDER),
        firm=_told(account.prop_firm, fields.FIRM),
        initial_balance=fields.money_or_none(account.initial_balance or None),
        **known,
    )


Held = tuple[list[PositionReading], tuple[listed.Unreadable, ...]]


def _held(
    balance: Decimal, positions: list[PositionReading], unreadable: tuple[listed.Unreadable, ...]
) -> dict[str, Any]:
    """What the positions amount to is their sum, and unknown when one of them is."""
    known: dict[str, Any] = {"positions": tuple(positions), "unreadable": unreadable}
    if not unreadable:
        floating = fields.kept(sum((p.profit + p.swap for p in positions), Decimal(0)))
        known |= {"floating": floating, "equity": fields.kept(balance + floating)}
    return known


def _positions_of(account: Account, told: Positions | str) -> Held | str:
    """The positions of `account`, or a sentence why they are unknown."""
    if not account.has_open_position:
        return [], ()
    if isinstance(told, str):
        return told
    if told.account_number != account.account_number:
        return (
            f"The positions read are those of account {told.account_number}: "
            "the agent failed to read them, or serves several accounts."
        )
    if not told.positions:
        return "The account has open positions, but the agent listed none: its read failed."
    if told.position_count not in (None, len(told.positions)):
        return f"The agent counts {told.position_count} positions and lists {len(told.positions)}."
    return listed.read(told.positions, _read_position, _ticket, "ticket")


def _ticket(position: PositionReading) -> int:
    return position.ticket


def _read_position(row: bytes) -> PositionReading:
    """Raise Malformed or NotJson."""
    position = fields.decode(row, _position)
    if position.type not in ("BUY", "SELL"):
        raise Malformed(f"type: expected BUY or SELL, got {clean(position.type, 20)}")
    symbol = symbol_name.kept(position.symbol)
    if not symbol.strip():
        raise Malformed("symbol: expected a name, got nothing")
    return PositionReading(
        ticket=position.ticket,
        symbol=symbol,
        side="BUY" if position.type == "BUY" else "SELL",
        volume=fields.volume(position.volume),
        open_price=fields.price(position.open_price),
        current_price=fields.price(position.current_price),
        sl=fields.level(position.sl),
        tp=fields.level(position.tp),
        profit=fields.money(position.profit),
        swap=fields.money(position.swap),
        commission=fields.money_or_none(position.commission),
        opened_at=None,
        comment="",
        magic=None,
    )


def _connected(account: Account) -> bool:
    """Raise Malformed for a status that the contract does not know."""
    status = (account.status or "connected").lower()
    if status not in ("connected", "disconnected"):
        raise Malformed(f"status: expected connected or disconnected, got {account.status}")
    return status == "connected"


def _check_unique(numbers: list[int], field: str) -> None:
    if len(set(numbers)) != len(numbers):
        raise Malformed(f"{field}: the same number twice in one list")


def _told(text: str | None, length: int) -> str:
    cleaned = clean(text or "", length)
    return "" if cleaned.lower() in NOT_TOLD else cleaned
