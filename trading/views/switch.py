"""The switch that stops all trading."""

from typing import cast

from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import AbstractUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from accounts.agents.text import clean
from accounts.views.answers import said
from trading.models import TradingSwitch
from trading.switching import REASON_LENGTH, standing, turn

STOPPED = "All trading is stopped. What was sent before may still execute."


@require_http_methods(["GET", "POST"])
@permission_required("trading.stop_trading", raise_exception=True)
def switch(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        row = TradingSwitch.objects.filter(pk=TradingSwitch.PK).first()
        return render(request, "trading/switch.html", {"switch": row, "standing": standing()})
    on = request.POST.get("turn") == "on"
    try:
        reason = clean(request.POST.get("reason", ""), REASON_LENGTH)
        turn(cast(AbstractUser, request.user), on=on, reason=reason)
    except ValueError as error:
        return said(request, str(error), tone="bad", back="/trading/switch/")
    now = standing()
    return said(request, now.why_not if on and now.why_not else "Trading is on." if on else STOPPED)
