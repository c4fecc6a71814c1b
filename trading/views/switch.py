"""The switch that stops all trading."""

from typing import cast

from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import AbstractUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.signin import step_up
from accounts.views.answers import said
from mt5monitor.text import clean
from trading.models import TradingSwitch
from trading.switching import REASON_LENGTH, shown_to, standing, turn

STOPPED = "All trading is stopped. What was sent before may still execute."


@require_http_methods(["GET", "POST"])
@permission_required("trading.stop_trading", raise_exception=True)
def switch(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        row = TradingSwitch.objects.filter(pk=TradingSwitch.PK).first()
        return render(request, "trading/switch.html", {"switch": row, "standing": standing()})
    on = request.POST.get("turn") == "on"
    if on and (page := step_up.challenge(request)):  # to stop, nothing is asked for
        return page
    try:
        reason = clean(request.POST.get("reason", ""), REASON_LENGTH)
        turn(cast(AbstractUser, request.user), on=on, reason=reason)
    except ValueError as error:
        return said(request, str(error), tone="bad", back="/trading/switch/")
    now = standing()
    return said(request, (now.why_not or f"{now.sentence}.") if on else STOPPED)


@require_safe
def state(request: HttpRequest) -> HttpResponse:
    """The switch as every page shows it, for pages that are open while somebody turns it."""
    shown = shown_to(cast(AbstractUser, request.user))
    if shown["standing"] is None:
        raise PermissionDenied("You do not have permission to see the trading switch.")
    return render(request, "trading/_switch.html", shown)
