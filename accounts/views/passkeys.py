"""Passkeys of one's own: added and removed, with the password and a code."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from accounts.signin import passkeys, second_factor, step_up
from accounts.signin.forms import ConfirmForm, NewPasskeyForm, status_of


@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """For those who have set up an app, which goes on where a passkey does not."""
    user = cast(User, request.user)
    if not second_factor.app_of(user) or not passkeys.are_possible(request):
        return redirect("security")
    form = NewPasskeyForm(user, request, request.POST) if request.method == "POST" else None
    if form is not None and form.is_valid():
        step_up.prove(request, form.factor)
        messages.success(request, f"The passkey “{form.cleaned_data['name']}” is added.")
        return redirect("security")
    context = {"form": form, "asked": passkeys.asked_to_make(user), "longest": passkeys.LONGEST}
    return render(request, "security/passkey.html", context, status=status_of(form))


@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    user = cast(User, request.user)
    row = get_object_or_404(passkeys.of(user), pk=pk)
    form = ConfirmForm(user, request, request.POST) if request.method == "POST" else None
    if form is not None and form.is_valid():
        passkeys.remove(row)
        # This session may have been opened with it; it goes on with the code that was shown now.
        step_up.prove(request, form.factor)
        messages.success(request, f"The passkey “{row.wrap().name}” is removed.")
        return redirect("security")
    context = {"form": form, "name": row.wrap().name}
    return render(request, "security/remove_passkey.html", context, status=status_of(form))
