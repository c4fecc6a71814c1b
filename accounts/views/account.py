"""One account: its figures, positions, agent, and what staff changed."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import zip_longest

from django.contrib.admin.utils import label_for_field
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.fleet import formatting
from accounts.fleet.panel import panel_context
from accounts.fleet.query import flagged
from accounts.keys import account_of
from accounts.live.current import mark
from accounts.models import Account

EDITS_SHOWN = 10
SHOWN_FIELDS = [
    "holder",
    "firm",
    "phase",
    "vs_group",
    "initial_balance",
    "max_drawdown_pct",
    "note",
]


def account_or_404(number: str) -> Account:
    """By its key. Raises Ambiguous for a number that several accounts have."""
    try:
        return account_of(number, flagged(Account.objects.for_rows()))
    except Account.DoesNotExist as error:
        raise Http404(f"No agent has reported account {number}.") from error


@require_safe
@permission_required("accounts.view_account", raise_exception=True)
def account(request: HttpRequest, number: str) -> HttpResponse:
    epoch, seq = mark()
    account = account_or_404(number)
    context = {
        "live": {"epoch": epoch, "seq": seq},
        "edits": edits_of(account),
        **panel_context(account, timezone.now()),
    }
    return render(request, "accounts/account.html", context)


@dataclass(frozen=True)
class Edit:
    """One change by a person, as history tells it."""

    at: datetime
    user: str
    what: str


def edits_of(account: Account) -> list[Edit]:
    """The last edits, newest first, each with what it changed from and to."""
    records = list(
        account.history.select_related("history_user", "phase", "firm", "vs_group").order_by(
            "-history_date", "-history_id"
        )[: EDITS_SHOWN + 1]
    )
    return [
        Edit(record.history_date, str(record.history_user or "the system"), _what(record, before))
        for record, before in zip_longest(records, records[1:])
    ][:EDITS_SHOWN]


def _what(record: object, before: object | None) -> str:
    if before is None:
        return "first reported by an agent"
    changes = []
    for name in SHOWN_FIELDS:
        was, now = getattr(before, name), getattr(record, name)
        if was != now:
            label = label_for_field(name, Account)
            changes.append(f"{label} {_shown(was)} → {_shown(now)}")
    return "; ".join(changes) or "saved without a change"


def _shown(value: object) -> str:
    if isinstance(value, Decimal):
        return formatting.money(value)
    return "–" if value is None or value == "" else str(value)
