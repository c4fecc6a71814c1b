"""All open positions of the fleet, and closing those of the accounts that were ticked."""

from collections import defaultdict
from collections.abc import Set
from typing import cast

from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import AbstractUser
from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.forms import RefreshForm
from accounts.views.answers import said
from mt5monitor.text import clean
from trading import closing
from trading.exposure import unreadable
from trading.numbers import whole_or_text
from trading.position_list import PositionList
from trading.switching import standing
from trading.views import placing
from trading.views.order_forms import may_trade

TEXT_SHOWN = 50
MISSING_NAMED = 20
UNREADABLE_SHOWN = 50  # those of an agent that reports all of them wrongly are alike


@require_safe
@permission_required("accounts.view_account", raise_exception=True)
def positions(request: HttpRequest) -> HttpResponse:
    look = PositionList(request.GET.dict(), timezone.now())
    lost = unreadable(look.account)
    context = {
        "exposure": look.exposure,
        "held": look.rows(),
        "look": look,
        "unreadable": lost[:UNREADABLE_SHOWN],
        "unreadable_more": max(len(lost) - UNREADABLE_SHOWN, 0),
        "symbol": look.symbol,
        "account": look.account,
    }
    return render(request, "trading/positions.html", context)


@require_POST
@may_trade
def close_selected(request: HttpRequest) -> HttpResponse:
    """First what would be closed, then, confirmed, a result per account."""
    form = RefreshForm(request.POST)
    if not form.is_valid():
        return said(request, form.sentence, tone="bad")
    chosen = form.cleaned_data["accounts"]
    accounts = sorted(chosen, key=lambda one: (one.number, one.pk))
    prefetch_related_objects(accounts, "positions")
    passed_over = [f"Account {one} is not here any more." for one in chosen.gone]
    if not accounts:
        text = " ".join(passed_over[:MISSING_NAMED]) or "Select accounts first."
        return said(request, text, tone="bad")
    key, user = placing.key_of(request), cast(AbstractUser, request.user)
    if request.POST.get("step") == "send":
        tickets, others = _tickets(request.POST, {one.key for one in accounts})
        closed = closing.close_accounts(accounts, user, key, tickets)
        context = {"closed": closed, "passed_over": passed_over + others}
        return render(request, "trading/closed.html", context)
    context = {
        "passed_over": passed_over,
        "accounts": accounts,
        "client_key": key,
        "stopped": standing().why_not,
        "count": sum(len(account.positions.all()) for account in accounts),
    }
    return render(request, "trading/close_selected.html", context)


def _tickets(posted: QueryDict, known: Set[str]) -> tuple[dict[str, list[int | str]], list[str]]:
    """What was shown to be closed, as "account-ticket": nothing that was opened since. And why what
    belongs to none of the `known` accounts, by their keys, is passed over."""
    tickets: dict[str, list[int | str]] = defaultdict(list)
    passed_over: list[str] = []
    for text in posted.getlist("position"):
        key = max((key for key in known if text.startswith(f"{key}-")), key=len, default="")
        if key:
            tickets[key].append(whole_or_text(text.removeprefix(f"{key}-")))
        else:
            shown = clean(text, TEXT_SHOWN)
            passed_over.append(f"“{shown}” is not of these accounts, so nothing was closed for it.")
    return tickets, passed_over
