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
    return said(request, sentence, rows=[account.number for account in data["accounts"]])


Edit = Callable[[list[Account], Mapping[str, Any]], str]


def _phase(accounts: list[Account], data: Mapping[str, Any]) -> str:
    changed = edits.set_phase(accounts, data["phase"])
    return _count(changed, len(accounts), f"in phase {data['phase']}")


def _firm(accounts: list[Account], data: Mapping[str, Any]) -> str:
    firm = data["firm"]
    changed = edits.set_firm(accounts, firm)
    return _count(changed, len(accounts), f"at {firm}" if firm else "without a firm")


def _pair(accounts: list[Account], data: Mapping[str, Any]) -> str:
    first, second = accounts
    name = data["vs"]
    if not name:
        name = edits.pair(first, second).name
    else:
        edits.set_vs_group(first, name)
        edits.set_vs_group(second, name)
    return f"Accounts {first.number} and {second.number} are now VS group {name}."


def _unpair(accounts: list[Account], data: Mapping[str, Any]) -> str:
    changed = sum(edits.set_vs_group(account, "") for account in accounts)
    return _count(changed, len(accounts), "in no VS group")


ACTIONS: Final[Mapping[str, Edit]] = {
    "phase": _phase,
    "firm": _firm,
    "pair": _pair,
    "unpair": _unpair,
}


def _count(changed: int, of: int, now: str) -> str:
    """How many rows changed, and why the others did not."""
    accounts = "account" if of == 1 else "accounts"
    if changed == of:
        return f"{changed} {accounts} changed: now {now}."
    return f"{changed} of {of} {accounts} changed; the others were {now} already."
