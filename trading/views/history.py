"""The history of an account: its closed trades, what they amount to, and what it was worth."""

from typing import cast

from django.conf import settings
from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts import polling
from accounts.models import Account
from accounts.views.account import account_or_404
from accounts.views.answers import Tone, said
from trading import history
from trading.history import worth
from trading.history.chart import RANGES, chart
from trading.history.heatmap import SCALE, heatmap
from trading.history.trade_list import RESULTS, SIDES, TradeList
from trading.models import Deal, HistorySync

may_look = permission_required("accounts.view_account", raise_exception=True)
PATIENCE_S = 20.0
OPERATIONS_SHOWN = 100


@require_safe
@may_look
def trades(request: HttpRequest, number: str) -> HttpResponse:
    account = account_or_404(number)
    look = TradeList(account, request.GET.dict())
    today = timezone.localdate()
    context = {
        "account": account,
        "places": account.money_places,
        "look": look,
        "trades": look.rows(),
        "statistics": look.statistics,
        "account_costs": worth.account_costs(account),
        "levels": SCALE,
        "calendar": heatmap(look.days, min(look.last or today, today)),
        "chart": chart(account, look.range),
        "ranges": RANGES.items(),
        "sides": SIDES.items(),
        "results": RESULTS.items(),
        "operations": _operations(account),
        "sync": HistorySync.objects.filter(account=account).first(),
        "zone": settings.TIME_ZONE,
    }
    return render(request, "trading/history.html", context)


def _operations(account: Account) -> list[Deal]:
    """The last ones that moved money without a trade, newest first."""
    return list(Deal.objects.operations().filter(account=account)[:OPERATIONS_SHOWN])


@require_POST
@may_look
def sync(request: HttpRequest, number: str) -> HttpResponse:
    """Reads what is new, now; waits for it."""
    account = account_or_404(number)
    back = f"/accounts/{account.key}/history/"
    try:
        with polling.place(cast(User, request.user).pk):
            outcome = history.sync(account, deadline_s=PATIENCE_S)
    except polling.TooManyRefreshes as crowded:
        return said(request, str(crowded), tone="bad", back=back)
    tone: Tone = "good" if outcome.ok else "bad"
    return said(request, outcome.words, tone=tone, back=back)
