"""The journal of orders, one order with its events, and settling one whose outcome is lost."""

from typing import Any, cast

from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import AbstractUser
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.views.answers import said
from trading import orders, settling
from trading.forms import FOUND, SettleForm, reason
from trading.models import Order
from trading.order_list import OrderList, wanting
from trading.states import LOCKING, WITHOUT_EXECUTION, State
from trading.views import placing

may_look = permission_required("accounts.view_account", raise_exception=True)
WANTING_SHOWN = 50


@require_safe
@may_look
def journal(request: HttpRequest) -> HttpResponse:
    look = OrderList(request.GET.dict())
    context = {
        "look": look,
        "orders": list(look.rows()),
        "wanting": list(wanting(timezone.now())[:WANTING_SHOWN]),
    }
    return render(request, "trading/orders.html", context)


def _order_or_404(pk: int) -> Order:
    order = Order.objects.select_related("account__agent").filter(pk=pk).first()
    if order is None:
        raise Http404(f"There is no order {pk}.")
    return order


@require_safe
@may_look
def order(request: HttpRequest, pk: int) -> HttpResponse:
    order = _order_or_404(pk)
    return render(request, "trading/order.html", _context(order, settling.warnings(order)))


def _context(order: Order, warnings: list[str]) -> dict[str, Any]:
    return {
        "order": order,
        "tone": placing.tone(order),
        "events": list(order.events.all()),
        "evidence": _evidence(order),
        "held": list(order.account.positions.filter(symbol=order.symbol)),
        "outcomes": [(state.value, text) for state, text in FOUND.items()],
        "is_lost": order.state in LOCKING and order.state != State.SENDING,
        "warnings": warnings,
    }


def _evidence(order: Order) -> list[dict[str, str]]:
    """The positions that may be the order's, as the last look for it kept them."""
    for event in order.events.filter(state=State.NEEDS_ATTENTION).order_by("-at"):
        if isinstance(event.data, list):
            return [shown for shown in event.data if isinstance(shown, dict)]
    return []


@require_safe
@may_look
def outcome(request: HttpRequest, pk: int) -> HttpResponse:
    """For whoever placed it and waits."""
    return placing.outcome(request, _order_or_404(pk))


@require_POST
@permission_required(["accounts.view_account", "trading.settle_order"], raise_exception=True)
def settle(request: HttpRequest, pk: int) -> HttpResponse:
    order, back, form = _order_or_404(pk), f"/orders/{pk}/", SettleForm(request.POST)
    if not form.is_valid():
        return said(request, form.sentence, tone="bad", back=back)
    data = form.cleaned_data
    found, user = data["outcome"], cast(AbstractUser, request.user)
    warnings = settling.warnings(order, found)
    if set(warnings) - set(data["acknowledged"] or []):
        return _warned(request, order, warnings)
    held = settling.could_be(order) if found in WITHOUT_EXECUTION else []
    disowned = [position.ticket for position in held]
    try:
        done = settling.settle_by_hand(
            order, user, found, data["reason"], data["position"], disowned
        )
    except ValueError as error:
        return said(request, str(error), tone="bad", back=back)
    if not done:
        text = "It was settled meanwhile; nothing was changed."
        return said(request, text, tone="bad", back=back)
    return said(request, f"Settled: {order.words}, {found.label}.", back=back)


def _warned(request: HttpRequest, order: Order, warnings: list[str]) -> HttpResponse:
    """The form once more, as it was filled in, with what has to be acknowledged first."""
    names = ("outcome", "reason", "position")
    typed = {name: reason(request.POST.get(name, "")) for name in names}
    context = _context(order, warnings) | {"typed": typed}
    return render(request, "trading/order.html", context, status=422)


@require_POST
@permission_required(["accounts.view_account", "trading.trade"], raise_exception=True)
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """One that waits for its turn, whoever placed it."""
    order, back = _order_or_404(pk), f"/orders/{pk}/"
    if orders.cancel(order, request.user.get_username()):
        return said(request, f"Cancelled, and never sent: {order.words}.", back=back)
    order.refresh_from_db()
    text = f"It waits no more: it is {order.get_state_display()}. Nothing was changed."
    return said(request, text, tone="bad", back=back)
