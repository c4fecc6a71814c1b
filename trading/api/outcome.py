"""What became of an order, as programs are told: `success` is true, false, or null for unknown."""

from datetime import datetime
from typing import Final

from django.http import HttpResponse
from ninja import Field, Schema

from accounts.api.shapes import Problem
from mt5monitor.api.answers import answer
from trading.models import Order
from trading.payloads import succeeded, trade_payload
from trading.states import State

# What a script of the original takes for failed is any status but 2xx.
STATUS: Final = {
    State.DENIED: 403,
    State.EXPIRED: 502,
    State.CANCELLED: 400,
    State.NOT_SENT: 502,
    State.REJECTED: 400,
    State.NOT_EXECUTED: 400,
    State.CLOSED_EXTERNALLY: 400,  # of a modification; to a close it is a success
}


class OrderOut(Schema):
    id: int
    tag: str
    account_number: int
    account_id: int
    server: str | None = Field(description="when it was placed; null: not known")
    kind: str
    symbol: str
    side: str
    volume: float | None
    sl: float | None
    tp: float | None
    position: int | None = Field(description="ticket of the position that it is about")
    position_text: str | None
    position_identifier: int | None = Field(
        description="of the position that it is about or opened; stays when its ticket changes"
    )
    position_identifier_text: str | None
    state: str
    success: bool | None = Field(description="null: not known yet")
    reason: str
    retcode: int | None
    price: float | None
    filled_volume: float | None
    order_ticket: int | None
    order_ticket_text: str | None
    deal_ticket: int | None
    deal_ticket_text: str | None
    position_ticket: int | None
    position_ticket_text: str | None
    user: str
    placed_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    url: str = Field(description="where to follow it")
    warning: str | None = Field(
        None, description="why nothing can confirm an unknown outcome now, such as an agent away"
    )


class TradeOut(Schema):
    success: bool | None
    ticket: int | None
    ticket_text: str | None
    message: str
    price: float | None
    close_price: float | None
    new_sl: float | None
    new_tp: float | None
    error_code: int | None = Field(description="the broker's return code, when it refused")
    order: OrderOut


class TradeFailed(Problem):
    """`order` is there when one was placed."""

    success: bool = False
    ticket: int | None = None
    ticket_text: str | None = None
    message: str = Field("", description="the same as `detail`")
    error_code: int | None = Field(None, description="the broker's return code, when it refused")
    errors: dict[str, str] | None = Field(None, description="by field, when nothing was placed")
    order: OrderOut | None = None


def outcome(order: Order) -> HttpResponse:
    """202 while its outcome is not known, with where to follow it."""
    success = succeeded(order)
    told = trade_payload(order, success)
    if success is None:
        return answer(told, 202)
    if success:
        return answer(told)
    return answer(told | {"detail": told["message"]}, STATUS[State(order.state)])
