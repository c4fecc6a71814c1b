"""Changing the phase or the VS group of one account, in place."""

from collections.abc import Iterable

from django.contrib.auth.decorators import permission_required
from django.core.exceptions import ValidationError
from django.db.models import Count
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from accounts import edits
from accounts.forms import PhaseForm, VSForm
from accounts.models import Account, Phase, VSGroup
from accounts.views.account import account_or_404
from accounts.views.answers import said

GROUPS_OFFERED = 200


@require_http_methods(["GET", "POST"])
@permission_required(["accounts.view_account", "accounts.change_phase"], raise_exception=True)
def phase(request: HttpRequest, number: str) -> HttpResponse:
    account = account_or_404(number)
    form = PhaseForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        chosen = form.cleaned_data["phase"]
        changed = edits.set_phase([account], chosen)
        is_now = "is now" if changed else "was already"
        return _changed(request, account, f"Account {account.title} {is_now} in phase {chosen}.")
    return _editor(request, account, form, "phase", {"phases": Phase.objects.all()})


@require_http_methods(["GET", "POST"])
@permission_required(["accounts.view_account", "accounts.change_vs"], raise_exception=True)
def vs(request: HttpRequest, number: str) -> HttpResponse:
    account = account_or_404(number)
    form = VSForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        name = form.cleaned_data["vs"]
        try:
            edits.set_vs_group(account, name)
        except ValidationError as error:
            form.add_error("vs", error)
        else:
            where = f"in VS group {account.vs_group}" if account.vs_group else "in no VS group"
            return _changed(request, account, f"Account {account.title} is now {where}.")
    return _editor(request, account, form, "vs", {"groups": _open_groups()})


def _changed(request: HttpRequest, account: Account, sentence: str) -> HttpResponse:
    back = f"/accounts/{account.key}/"
    return said(request, sentence, back=back, rows=[account.row])


def _editor(
    request: HttpRequest, account: Account, form: Form, name: str, choices: dict[str, object]
) -> HttpResponse:
    """The form, with what is wrong about it; for htmx alone without a page around it."""
    context = {"account": account, "form": form, "name": name, **choices}
    status = 422 if form.is_bound else 200
    return render(request, "accounts/edit.html", context, status=status)


def _open_groups() -> Iterable[VSGroup]:
    """Groups that still lack a member."""
    return VSGroup.objects.annotate(taken=Count("members")).filter(taken__lt=2)[:GROUPS_OFFERED]
