"""One edit of every account that was ticked."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from accounts import edits
from accounts.forms import SelectionForm
from accounts.models import Account
from accounts.views.answers import said
from accounts.wording import numbers

NEEDS: Final = {
    "phase": "accounts.change_phase",
    "firm": "accounts.change_account",
    "pair": "accounts.change_vs",
    "unpair": "accounts.change_vs",
}


@require_POST
@permission_required("accounts.view_account", raise_exception=True)
def selection(request: HttpRequest) -> HttpResponse:
    needed = NEEDS.get(request.POST.get("action", ""))
    if needed and not request.user.has_perm(needed):
        raise PermissionDenied("You may not change that.")
    form = SelectionForm(request.POST)
    if not form.is_valid():
        return said(request, form.sentence, tone="bad")
    data = form.cleaned_data
    try:
        # All or nothing: one account that cannot be changed leaves the others as they were.
        with transaction.atomic():
            sentence = ACTIONS[data["action"]](data["accounts"], data)
    except ValidationError as error:
        return said(request, " ".join(error.messages), tone="bad")
    return said(request, sentence, rows=[account.row for account in data["accounts"]])


Edit = Callable[[list[Account], Mapping[str, Any]], str]


def _phase(accounts: list[Account], data: Mapping[str, Any]) -> str:
    phase = data["phase"]
    same = [one for one in accounts if one.phase_id == phase.pk]
    edits.set_phase(accounts, phase)
    return _count(same, accounts, f"in phase {phase}")


def _firm(accounts: list[Account], data: Mapping[str, Any]) -> str:
    firm = data["firm"]
    same = [one for one in accounts if one.firm_id == (firm.pk if firm else None)]
    edits.set_firm(accounts, firm)
    return _count(same, accounts, f"at {firm}" if firm else "without a firm")


def _pair(accounts: list[Account], data: Mapping[str, Any]) -> str:
    first, second = accounts
    name = data["vs"]
    if not name:
        name = edits.pair(first, second).name
    else:
        edits.set_vs_group(first, name)
        edits.set_vs_group(second, name)
    return f"Accounts {first.title} and {second.title} are now VS group {name}."


def _unpair(accounts: list[Account], data: Mapping[str, Any]) -> str:
    same = [one for one in accounts if not edits.set_vs_group(one, "")]
    return _count(same, accounts, "in no VS group")


ACTIONS: Final[Mapping[str, Edit]] = {
    "phase": _phase,
    "firm": _firm,
    "pair": _pair,
    "unpair": _unpair,
}


def _count(same: list[Account], chosen: list[Account], now: str) -> str:
    """How many rows changed, and which did not, and why."""
    of, changed = len(chosen), len(chosen) - len(same)
    accounts = "account" if of == 1 else "accounts"
    if not same:
        return f"{changed} {accounts} changed: now {now}."
    were = "was" if len(same) == 1 else "were"
    return f"{changed} of {of} {accounts} changed; {numbers(same)} {were} {now} already."
