"""Opening, closing and modifying by programs: the same tickets, the same door as on pages."""

import hashlib
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from django.http import Http404, HttpRequest, HttpResponse
from ninja import Field, Header, Query, Router, Schema

from accounts.api.accounts import ERRORS, Number, Which, account_or_404
from accounts.api.caller import caller_of, may
from accounts.api.shapes import Problem
from accounts.models import Account, Position
from mt5monitor.api.answers import detail
from mt5monitor.api.numbers import Amount, AmountOr0, Ticket
from mt5monitor.text import clean
from trading import orders, readback
from trading.api.outcome import TradeFailed, TradeOut, outcome
from trading.identity import new_client_key
from trading.models import Order
from trading.order_form import REASON_LENGTH, UNREAD, CloseTicket, ModifyTicket, OpenTicket
from trading.order_form import Ticket as Form
from trading.orders import Instruction, KeyTaken
from trading.permits import refusal_of_the_switch
from trading.positions import find
from trading.sizing import Refused

router = Router(tags=["Trading"])
TRADE = may("accounts.view_account", "trading.trade")
ANSWERS = {
    200: TradeOut,
    202: TradeOut,
    **ERRORS,
    400: TradeFailed,
    403: TradeFailed,
    409: Problem,  # of the key; or Choices
    502: TradeFailed,
    503: Problem,
}
KEY_REUSED = "This Idempotency-Key was sent before with other values. Nothing was sent now."
Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=1,  # who sends one that is empty meant to send another, and may send it again
        max_length=200,
        description="the same key gives the same answer; without one, each request is new",
    ),
]


class OpenIn(Schema):
    symbol: str = Field(max_length=32, description="as the broker spells it")
    lot: Amount
    order_type: Literal["BUY", "SELL"]
    sl: AmountOr0 | None = Field(None, description="stop-loss in pips, as in the original")
    tp: AmountOr0 | None = Field(None, description="take-profit in pips")
    sl_price: Amount | None = Field(None, description="stop-loss as a price, instead of pips")
    tp_price: Amount | None = None
    comment: str | None = Field(None, max_length=200, description="not used: it carries the tag")


class CloseIn(Schema):
    ticket: Ticket
    volume: Amount | None = Field(None, description="lots; all of it without")
    deviation: int | None = Field(None, ge=0, le=100_000, description="points; not used")
    override_reason: str = Field(
        "", max_length=REASON_LENGTH, description="closes although another order is unknown"
    )


class ModifyIn(Schema):
    ticket: Ticket
    sl: AmountOr0 | None = Field(None, description="price; none or 0 takes it away")
    tp: AmountOr0 | None = None


@router.post("/{number}/trade/open", summary="Open a position", auth=TRADE, response=ANSWERS)
def open_position(
    request: HttpRequest, number: Number, which: Query[Which], asked: OpenIn, key: Key = ""
) -> HttpResponse:
    """Opens at the market. 202 with `success: null`: the outcome is unknown yet; follow `order`."""
    account = account_or_404(number, which)
    return _trade(request, account, asked, key, lambda: _opening(account, asked))


@router.post("/{number}/trade/close", summary="Close a position", auth=TRADE, response=ANSWERS)
def close_position(
    request: HttpRequest, number: Number, which: Query[Which], asked: CloseIn, key: Key = ""
) -> HttpResponse:
    """Closes a position, or a part of it."""
    account = account_or_404(number, which)
    return _trade(request, account, asked, key, lambda: _closing(account, asked))


@router.put("/{number}/trade/modify", summary="Modify a position", auth=TRADE, response=ANSWERS)
def modify_position(
    request: HttpRequest, number: Number, which: Query[Which], asked: ModifyIn, key: Key = ""
) -> HttpResponse:
    """Sets stop-loss and take-profit of a position; what is left out is taken away."""
    account = account_or_404(number, which)
    return _trade(request, account, asked, key, lambda: _modifying(account, asked))


# --- what is asked ------------------------------------------------------------------------------
def _opening(account: Account, asked: OpenIn) -> Form:
    data = {"symbol": asked.symbol, "side": asked.order_type, "volume": _typed(asked.lot)}
    for name in ("sl", "tp"):
        price, pips = getattr(asked, f"{name}_price"), getattr(asked, name)
        if price is not None:
            data |= {name: _typed(price), f"{name}_unit": "price"}
        elif pips:  # 0 is none, as in the original
            data |= {name: _typed(pips), f"{name}_unit": "pips"}
    return OpenTicket(account, data)


def _closing(account: Account, asked: CloseIn) -> Form:
    volume = "" if asked.volume is None else _typed(asked.volume)
    data = {"volume": volume, "override_reason": asked.override_reason}
    return CloseTicket(_position(account, asked.ticket), data)


def _modifying(account: Account, asked: ModifyIn) -> Form:
    data = {name: _typed(at) for name in ("sl", "tp") if (at := getattr(asked, name))}
    return ModifyTicket(_position(account, asked.ticket), {"sl": "", "tp": ""} | data)


def _position(account: Account, ticket: int) -> Position:
    position = find(account.positions.named(ticket), ticket)
    if position is None and account.may_hold(ticket):
        raise Refused(f"Position #{ticket} {UNREAD}")
    if position is None:
        flat = ", which has no open positions" if account.open_positions == 0 else ""
        raise Http404(f"Position #{ticket} is not open on account {account.title}{flat}.")
    position.account = account  # with its agent
    return position


def _typed(number: Decimal) -> str:
    return f"{number.normalize():f}"


# --- once ---------------------------------------------------------------------------------------
def _trade(
    request: HttpRequest,
    account: Account,
    asked: Schema,
    key: str,
    ticket: Callable[[], Form],
) -> HttpResponse:
    """What became of it. The same key again is the same order, whatever the market does meanwhile:
    what was asked is compared, not the prices that came of it."""
    caller = caller_of(request)
    client_key = _client_key(caller.user.pk, key) if key else new_client_key()
    mark = _mark(request, asked)
    order = Order.objects.filter(client_key=client_key).first()
    if order is None:
        if getattr(asked, "override_reason", "") and not caller.may("trading.override_lock"):
            return detail("You may not do this: trading.override_lock is missing.", 403)
        if why := refusal_of_the_switch():
            return detail(why, 503)
        try:
            typed = ticket()
        except Refused as refused:
            return _refused({"ticket": str(refused)})
        instruction: Instruction | None = typed.check()  # type: ignore[attr-defined]
        if instruction is None:
            return _refused(typed.errors)
        try:
            order = orders.place(account, caller.user, instruction, client_key, noted=mark)
        except KeyTaken:
            order = Order.objects.get(client_key=client_key)
        except Refused as refused:
            return _refused({"": str(refused)})
    if order.events.order_by("pk").values_list("data", flat=True).first() != mark:
        return detail(KEY_REUSED, 409)
    return outcome(readback.send(order))


def _client_key(user: int, key: str) -> str:
    """Each user's keys are their own."""
    return f"api.{user}.{hashlib.sha256(key.encode(errors='replace')).hexdigest()[:40]}"


def _mark(request: HttpRequest, asked: Schema) -> dict[str, str]:
    what: list[Any] = [request.method, request.path, asked.dict()]
    if request.GET:  # which of several accounts of the number
        what.append(sorted(request.GET.items()))
    body = msgspec.json.encode(what)
    return {"asked": hashlib.sha256(body).hexdigest()}


def _refused(errors: dict[str, str]) -> HttpResponse:
    """Nothing was placed, so there is no order to follow."""
    text = clean(" ".join(errors.values()), 1000)
    told: dict[str, Any] = {"success": False, "message": text, "errors": errors}
    return detail(text, 400, **told)
