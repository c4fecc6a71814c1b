"""From a posted ticket to its order: checked, confirmed in words, placed, sent."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from django.contrib.auth.models import AbstractUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.models import Account
from mt5monitor.text import clean
from trading import numbers, orders, readback
from trading.identity import new_client_key
from trading.models import Order
from trading.order_form import REASON_LENGTH, Ticket
from trading.orders import Instruction, KeyTaken
from trading.sizing import Refused
from trading.states import LOCKING, UNDER_WAY, State
from trading.switching import standing

KEY_LENGTH = 40  # with a ticket behind it, it still fits its column
TAKEN = "This form was sent before with other values, and was not sent again. Open it anew."


def key_of(request: HttpRequest) -> str:
    """The one that came with the form: the same form sent again is the same order."""
    key = request.POST.get("client_key", "")[:KEY_LENGTH]
    return key if key.isprintable() and key.strip() else new_client_key()


def lock_of(account: Account) -> Order | None:
    """The order whose unknown outcome keeps others of the account from being sent."""
    lost = Order.objects.locking().filter(account=account).exclude(state=State.SENDING)
    return lost.order_by("placed_at").first()


def stopped(account: Account) -> str:
    """Why no order of this account would leave now, told before somebody fills in a form; what
    counts is what the door finds when it is sent."""
    agent = account.agent
    if why := standing().why_not:
        return why
    if agent is None:
        return "No agent reports this account, so nothing can be sent to it."
    return agent.refusal_to_trade()


def show(
    request: HttpRequest, name: str, ticket: Ticket, *, status: int = 200, **context: Any
) -> HttpResponse:
    context |= {
        "account": ticket.account,
        "ticket": ticket,
        "client_key": key_of(request),
        "lock": lock_of(ticket.account),
        "stopped": stopped(ticket.account),
    }
    return render(request, f"trading/{name}.html", context, status=status)


def posted(
    request: HttpRequest,
    account: Account,
    kind: str,
    ticket: Callable[[], Ticket],
    check: Callable[[Any], Instruction | None],
    **context: Any,
) -> HttpResponse:
    """The form with what is wrong, the confirmation, or what became of the order."""
    key, sends = key_of(request), request.POST.get("step") == "send"
    if sends and (order := Order.objects.filter(client_key=key).first()):
        return _again(request, account, kind, order)
    typed = ticket()
    asked = check(typed)
    if asked is None:
        return show(request, kind, typed, status=422, **context)
    if not sends:
        return show(request, f"{kind}_confirm", typed, asked=asked, **context)
    return _send(request, account, asked, key)


def _send(request: HttpRequest, account: Account, asked: Instruction, key: str) -> HttpResponse:
    try:
        order = orders.place(account, cast(AbstractUser, request.user), asked, key)
    except KeyTaken:
        return taken(request)
    return outcome(request, readback.send(order))


def _again(request: HttpRequest, account: Account, kind: str, order: Order) -> HttpResponse:
    """A form that was sent before. What it says is compared as it is: the market has moved on."""
    data, page = request.POST, request.resolver_match
    number = page.kwargs.get("ticket") if page else None
    if order.kind != kind or number not in (order.position, order.position_identifier):
        return taken(request)
    try:
        asked = Instruction(
            order.kind,
            data.get("symbol", order.symbol),
            data.get("side", order.side),
            numbers.read(data.get("volume", ""), "Volume"),
            numbers.read(data.get("sl", ""), "Stop-loss"),
            numbers.read(data.get("tp", ""), "Take-profit"),
            position=order.position,
            override_reason=_reason(data),
        )
        return _send(request, account, asked, order.client_key)
    except Refused:
        return taken(request)


def _reason(data: Mapping[str, str]) -> str:
    return clean(data.get("override_reason", ""), REASON_LENGTH)


def taken(request: HttpRequest) -> HttpResponse:
    return render(request, "trading/taken.html", {"sentence": TAKEN}, status=409)


def tone(order: Order) -> str:
    """good: as it was asked; bad; empty while it is under way, for a part of what was asked, and
    for a close of what something else had closed."""
    if order.state == State.FILLED:
        return "good"
    if order.state == State.CLOSED_EXTERNALLY and order.kind == Order.Kind.CLOSE:
        return ""
    return "" if order.state in UNDER_WAY | {State.PARTIAL} else "bad"


def outcome(request: HttpRequest, order: Order) -> HttpResponse:
    context = {"order": order, "tone": tone(order), "is_lost": _is_lost(order)}
    return render(request, "trading/outcome.html", context)


def _is_lost(order: Order) -> bool:
    return order.state in LOCKING and order.state != State.SENDING
