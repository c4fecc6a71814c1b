"""VS pairs that the figures suggest, accepted with one click."""

from django.contrib.auth.decorators import permission_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts import edits
from accounts.fleet.suggestions import suggestions
from accounts.forms import PairForm, accounts_by_key
from accounts.models import Account
from accounts.views.answers import said

SHOWN = 20


@require_safe
@permission_required("accounts.view_account", raise_exception=True)
def suggested(request: HttpRequest) -> HttpResponse:
    pairs = suggestions(timezone.now())
    return render(
        request, "accounts/suggestions.html", {"pairs": pairs[:SHOWN], "found": len(pairs)}
    )


@require_POST
@permission_required(["accounts.view_account", "accounts.change_vs"], raise_exception=True)
def accept(request: HttpRequest) -> HttpResponse:
    form = PairForm(request.POST)
    if not form.is_valid():
        return said(request, form.sentence, tone="bad", back="/suggestions/")
    try:
        first, second = _accounts(form.cleaned_data["first"], form.cleaned_data["second"])
        group = edits.pair(first, second)
    except ValidationError as error:
        return said(request, " ".join(error.messages), tone="bad", back="/suggestions/")
    sentence = f"Accounts {first.title} and {second.title} are now VS group {group}."
    return said(request, sentence, rows=[first.row, second.row], back="/suggestions/")


def _accounts(first: str, second: str) -> tuple[Account, Account]:
    found = accounts_by_key([first, second])
    if {first, second} - found.keys():
        raise ValidationError("One of the two accounts is not here any more.")
    return found[first], found[second]
