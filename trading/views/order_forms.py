"""The tickets of one account: open, close, close a part, modify, close all."""

from typing import Any, cast

from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import AbstractUser
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import Account, Position
from accounts.views.account import account_or_404
from mt5monitor.text import clean
from trading import closing, numbers, symbols
from trading.order_form import (
    REASON_LENGTH,
    UNREAD,
    CloseTicket,
    ModifyTicket,
    OpenTicket,
    PositionTicket,
)
from trading.positions import find
from trading.views import placing

may_trade = permission_required(["accounts.view_account", "trading.trade"], raise_exception=True)
both = require_http_methods(["GET", "POST"])


@both
@may_trade
def opening(request: HttpRequest, number: str) -> HttpResponse:
    account = account_or_404(number)
    if request.method == "POST":
        return placing.posted(
            request,
            account,
            "open",
            lambda: OpenTicket(account, request.POST.dict()),
            OpenTicket.check,
            symbols=symbols.of_account(account),
        )
    ticket = OpenTicket(account, request.GET.dict())
    return placing.show(request, "open", ticket, symbols=symbols.of_account(account))


@require_safe
@may_trade
def quote(request: HttpRequest, number: str) -> HttpResponse:
    """What the ticket says about its symbol, volume and stops while it is being typed."""
    ticket = OpenTicket(account_or_404(number), request.GET.dict())
    ticket.check()
    ticket.errors = {field: text for field, text in ticket.errors.items() if ticket.text(field)}
    return render(request, "trading/_quote.html", {"ticket": ticket, "account": ticket.account})


def _position(account: Account, ticket: int) -> Position:
    position = find(account.positions.named(ticket), ticket)
    if position is None and account.may_hold(ticket):
        raise Http404(f"Position #{ticket} {UNREAD}")
    if position is None:
        raise Http404(f"Position #{ticket} is not open any more on {account.title}.")
    position.account = account  # with its agent
    return position


@both
@may_trade
def close(request: HttpRequest, number: str, ticket: int) -> HttpResponse:
    account = account_or_404(number)
    if request.method == "POST":
        return placing.posted(
            request,
            account,
            "close",
            lambda: _looked(CloseTicket(_position(account, ticket), request.POST.dict())),
            CloseTicket.check,
            part=True,
        )
    typed = CloseTicket(_position(account, ticket), {})
    typed.look()
    name = "close" if "part" in request.GET else "close_confirm"
    return placing.show(request, name, typed)


def _looked(ticket: CloseTicket) -> CloseTicket:
    """With the quote where somebody decides by it; a close that was confirmed does not wait."""
    if ticket.text("step") != "send":
        ticket.look()
    return ticket


@both
@may_trade
def modify(request: HttpRequest, number: str, ticket: int) -> HttpResponse:
    account = account_or_404(number)
    data = request.POST if request.method == "POST" else request.GET
    if request.method == "POST" or "breakeven" in data:
        return placing.posted(
            request,
            account,
            "modify",
            lambda: ModifyTicket(_position(account, ticket), data.dict()),
            ModifyTicket.check,
        )
    typed = ModifyTicket(_position(account, ticket), {})
    typed.look()
    return placing.show(request, "modify", typed)


@require_safe
@may_trade
def levels(request: HttpRequest, number: str, ticket: int) -> HttpResponse:
    """What the stops that are being typed come to, by the quote of now."""
    typed: PositionTicket = ModifyTicket(
        _position(account_or_404(number), ticket), request.GET.dict()
    )
    typed.look()
    if typed.of:
        typed.read_levels(typed.of)
    return render(request, "trading/_levels.html", {"ticket": typed, "account": typed.account})


@both
@may_trade
def close_all(request: HttpRequest, number: str) -> HttpResponse:
    account = account_or_404(number)
    key = placing.key_of(request)
    context: dict[str, Any] = {"account": account, "lock": placing.lock_of(account)}
    context["stopped"] = placing.stopped(account)
    if request.method == "POST":
        tickets = [numbers.whole_or_text(text) for text in request.POST.getlist("ticket")]
        reason = clean(request.POST.get("override_reason", ""), REASON_LENGTH)
        user = cast(AbstractUser, request.user)
        context["closed"] = [closing.close_account(account, user, tickets, key, reason)]
        return render(request, "trading/closed.html", context)
    context |= {"positions": list(account.positions.all()), "client_key": key}
    return render(request, "trading/close_all.html", context)
