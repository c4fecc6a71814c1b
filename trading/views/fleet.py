"""All open positions of the fleet, and closing those of the accounts that were ticked."""

from collections import defaultdict
from typing import cast

from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import AbstractUser
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.agents import symbol_name
from accounts.forms import RefreshForm
from accounts.models import Account
from accounts.views.answers import said
from trading import closing
from trading.exposure import exposure
from trading.numbers import whole
from trading.switching import standing
from trading.views import placing
from trading.views.tickets import may_trade


@require_safe
@permission_required("accounts.view_account", raise_exception=True)
def positions(request: HttpRequest) -> HttpResponse:
    symbol = symbol_name.kept(request.GET.get("symbol", ""))
    context = {"exposure": exposure(timezone.now(), symbol), "symbol": symbol}
    return render(request, "trading/positions.html", context)


@require_POST
@may_trade
def close_selected(request: HttpRequest) -> HttpResponse:
    """First what would be closed, then, confirmed, a result per account."""
    form = RefreshForm(request.POST)
    if not form.is_valid():
        return said(request, form.sentence, tone="bad")
    numbers = form.cleaned_data["accounts"]
    chosen = Account.objects.for_rows().filter(number__in=numbers).prefetch_related("positions")
    accounts = list(chosen.order_by("number"))
    if not accounts:
        return said(request, "Select accounts first.", tone="bad")
    key, user = placing.key_of(request), cast(AbstractUser, request.user)
    if request.POST.get("step") == "send":
        closed = closing.close_accounts(accounts, user, key, _tickets(request.POST))
        return render(request, "trading/closed.html", {"closed": closed})
    context = {
        "accounts": accounts,
        "client_key": key,
        "stopped": standing().why_not,
        "count": sum(len(account.positions.all()) for account in accounts),
    }
    return render(request, "trading/close_selected.html", context)


def _tickets(posted: QueryDict) -> dict[int, list[int]]:
    """What was shown to be closed, as "account-ticket": nothing that was opened since."""
    tickets: dict[int, list[int]] = defaultdict(list)
    for text in posted.getlist("position"):
        number, ticket = (whole(part) for part in text.partition("-")[::2])
        if number is not None and ticket is not None:
            tickets[number].append(ticket)
    return tickets
