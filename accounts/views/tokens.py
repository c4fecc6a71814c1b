"""API tokens of one's own: listed, made and revoked."""

import logging
from dataclasses import dataclass
from typing import cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import ApiToken
from accounts.models.token import scope_choices
from accounts.signin import mfa_required, proofs, step_up
from accounts.signin.token_form import TokenForm

operations = logging.getLogger("operations")
MAKE = "accounts.add_apitoken"
ENDED_SHOWN = 10
SHOWN = 200


@dataclass(frozen=True, slots=True)
class Row:
    token: ApiToken
    is_valid: bool
    reads_only: bool
    limits: list[str]  # names of permissions; empty: none


@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    if request.method != "POST":
        return _page(request, user, TokenForm(user))
    if not user.has_perm(MAKE):
        raise PermissionDenied("You do not have permission to make API tokens.")
    if page := step_up.challenge(request):
        return page
    form = TokenForm(user, request.POST)
    if not form.is_valid():
        return _page(request, user, form, status=422)
    key = form.save()
    operations.info(
        "%s made the API token named %s", user.get_username(), form.cleaned_data["name"]
    )
    return render(request, "security/token.html", {"key": key, "name": form.cleaned_data["name"]})


@require_POST
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    token = get_object_or_404(ApiToken, pk=pk, user=cast(User, request.user))
    if token.revoke():
        operations.info(
            "%s revoked the API token named %s", request.user.get_username(), token.name
        )
    messages.success(request, f"The token “{token.name}” is revoked. Its program is signed out.")
    return redirect("tokens")


def _page(request: HttpRequest, user: User, form: TokenForm, status: int = 200) -> HttpResponse:
    rows = _rows(user)
    context = {
        "form": form,
        "may_make": user.has_perm(MAKE),
        "valid": [row for row in rows if row.is_valid],
        "ended": [row for row in rows if not row.is_valid][:ENDED_SHOWN],
    }
    return render(request, "security/tokens.html", context, status=status)


def _rows(user: User) -> list[Row]:
    """The newest first; those that read only are found by one query for all."""
    now = timezone.now()
    found = list(ApiToken.objects.filter(user=user).with_user()[:SHOWN])
    is_required = settings.MFA_REQUIRED and mfa_required.is_required(user)
    standing = {proof for _, proof in proofs.standing((user.pk, one.proof) for one in found)}
    names = dict(scope_choices())
    return [
        Row(
            token=one,
            is_valid=one.is_valid(now),
            reads_only=bool(is_required) and one.proof not in standing,
            limits=[names.get(scope, scope).removeprefix("Can ") for scope in one.scopes or ()],
        )
        for one in found
    ]
