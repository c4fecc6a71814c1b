"""Open positions of one account, as they were read last."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja import Field, Query, Router, Schema

from accounts.api.accounts import OF_ONE, Number, Which, account_as_asked
from accounts.api.caller import may
from accounts.models import Account, Position
from mt5monitor.api.answers import conditional
from mt5monitor.ticket_texts import texts

router = Router(tags=["Accounts"])


class PositionOut(Schema):
    ticket: int
    ticket_text: str
    identifier: int | None = Field(
        description="stays when the broker gives the position another ticket; null with contract 1"
    )
    identifier_text: str | None
    symbol: str
    type: str = Field(description="BUY or SELL")
    volume: float
    open_price: float
    current_price: float | None
    sl: float | None
    tp: float | None
    profit: float | None
    swap: float | None
    commission: float | None
    open_time: datetime | None = Field(description="null with contract 1, whose times have no zone")


class UnreadableOut(Schema):
    ticket: int | None
    ticket_text: str | None
    symbol: str
    problem: str


class PositionsOut(Schema):
    account_number: int
    account_id: int
    server: str | None
    positions: list[PositionOut] | None = Field(description="null: they could not be read")
    total_profit: float | None
    position_count: int | None
    reason: str | None
    unreadable: list[UnreadableOut] = Field(
        description="open as well, and counted, but their figures could not be read"
    )


@router.get(
    "/{number}/positions",
    summary="Open positions of an account",
    auth=may("accounts.view_account"),
    response={200: PositionsOut, **OF_ONE},
)
def positions(
    request: HttpRequest, number: Number, which: Query[Which], force_refresh: bool = False
) -> HttpResponseBase:
    """From the rows; `force_refresh` reads its agent first. What could not be read is null: not
    knowing is not being flat."""
    return conditional(request, held(account_as_asked(request, number, which, force_refresh)))


def held(row: Account) -> dict[str, Any]:
    """By an account, as it was read last."""
    known = row.open_positions is not None
    ordered = sorted(row.positions.all(), key=lambda one: one.ticket)
    positions = [position(one) for one in ordered] if known else None
    return {
        "account_number": row.number,
        "account_id": row.pk,
        "server": row.server or None,
        "reason": row.positions_error or None,
        "positions": positions,
        "position_count": row.open_positions,
        "total_profit": None if row.unreadable_positions else _sum(positions),
        "unreadable": [one | texts(ticket=one["ticket"]) for one in row.unreadable_positions],
    }


def position(row: Position) -> dict[str, Any]:
    return {
        "ticket": row.ticket,
        "identifier": row.identifier,
        **texts(ticket=row.ticket, identifier=row.identifier),
        "symbol": row.symbol,
        "type": row.side,
        "volume": row.volume,
        "open_price": row.open_price,
        "current_price": row.current_price,
        "sl": row.sl,
        "tp": row.tp,
        "profit": row.profit,
        "swap": row.swap,
        "commission": row.commission,
        "open_time": row.opened_at,
    }


def _sum(held: list[dict[str, Any]] | None) -> Decimal | None:
    """None when one of them is unknown."""
    if held is None or any(one["profit"] is None for one in held):
        return None
    return sum((one["profit"] for one in held), Decimal(0))
