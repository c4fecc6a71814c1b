"""The page of one's own sign-in: the second factor, and who is signed in."""

import base64
from typing import Any, cast
from urllib.parse import quote

from allauth.mfa.adapter import get_adapter
from cryptography.fernet import InvalidToken
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout, update_session_auth_hash
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import SignIn
from accounts.signin import devices, mfa_required, passkeys, proofs, second_factor, step_up
from accounts.signin.forms import AppForm, ConfirmForm, OwnPasswordForm, status_of
from mt5monitor.sessions import end_all

PASSWORD_CHANGED = "Your password is changed. Your other sessions and your API tokens have ended."  # noqa: S105
SIGN_INS_SHOWN = 5
NEW_APP = "new_app"  # in the session of whoever sets one up


@require_GET
def security(request: HttpRequest) -> HttpResponse:
    return _page(request)


def _page(request: HttpRequest, failed: str = "", form: ConfirmForm | None = None) -> HttpResponse:
    """`failed`: which of its forms is shown again."""
    user = _user(request)
    context = {
        "app": second_factor.app_of(user),
        "passkeys": [row.wrap() for row in passkeys.of(user)],
        "passkeys_possible": passkeys.are_possible(request),
        "passkeys_possible_at": passkeys.possible_at(request),
        "codes_left": second_factor.codes_left(user),
        "required": settings.MFA_REQUIRED and mfa_required.is_required(user),
        "sign_ins": SignIn.objects.filter(user=user, was_refused=False)[:SIGN_INS_SHOWN],
        "refused": SignIn.objects.filter(user=user, was_refused=True)[:SIGN_INS_SHOWN],
        "failed": failed,
        "form": form,
    }
    return render(request, "security/security.html", context, status=status_of(form))


@require_http_methods(["GET", "HEAD", "POST"])
def password(request: HttpRequest) -> HttpResponse:
    """One's own. Each present password that is tried there is an attempt to sign in."""
    user = _user(request)
    form = OwnPasswordForm(user, request, request.POST) if request.method == "POST" else None
    if form is not None and form.is_valid():
        form.save()
        update_session_auth_hash(request, user)
        proofs.end_all(user.pk, but=request.session.session_key)
        proofs.remember(request.session, user, form.factor)
        devices.forget_all(user.pk)
        messages.success(request, PASSWORD_CHANGED)
        return _known_again(request, redirect("security"))
    context = {"form": form, "has_factor": second_factor.has(user)}
    return render(request, "security/password.html", context, status=status_of(form))


def change_own_password(request: HttpRequest) -> HttpResponse:
    """The admin leads to the one page for it, which asks for a code as well."""
    return redirect("security-password")


@require_http_methods(["GET", "HEAD", "POST"])
def app(request: HttpRequest) -> HttpResponse:
    """Sets an authenticator app up: a picture to read, and the first code that the app shows."""
    user = _user(request)
    if second_factor.app_of(user):
        return redirect("security")
    try:
        kept = _new_app(request)
        secret, address = second_factor.shown(user, kept)
    except InvalidToken:  # the keys have changed since
        del request.session[NEW_APP]
        return redirect("security-app")
    form = AppForm(user, request, kept, request.POST) if request.method == "POST" else None
    if form is not None and form.is_valid():
        return _app_is_set_up(request, form)
    context = {"form": form, "address": address, "picture": _picture(address)}
    context["secret"] = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
    return render(request, "security/app.html", context, status=status_of(form))


def _new_app(request: HttpRequest) -> str:
    """The secret of the app, the same until it is set up. From then on the session has another
    key: whoever stole the one of before does not see the secret, and does not plant one here."""
    if NEW_APP not in request.session:
        request.session.cycle_key()
        request.session[NEW_APP] = second_factor.new_secret()
    kept: str = request.session[NEW_APP]
    return kept


def _app_is_set_up(request: HttpRequest, form: AppForm) -> HttpResponse:
    del request.session[NEW_APP]
    step_up.prove(request, form.factor)
    # Whoever signed in before with the password alone is asked for a code.
    end_all(form.user.pk, but=request.session.session_key)
    devices.forget_all(form.user.pk)
    response = _told_once(request, form.recovery_codes, "Your second factor is set up")
    return _known_again(request, response)


@require_POST
def codes(request: HttpRequest) -> HttpResponse:
    """New recovery codes instead of those of before."""
    user = _user(request)
    form = ConfirmForm(user, request, request.POST)
    if not form.is_valid():
        return _page(request, "codes", form)
    made = second_factor.new_codes(user)
    # Where one of the old codes has confirmed it, the new ones have taken their place.
    shown = form.factor and second_factor.of_kind(user, form.factor.type)
    step_up.prove(request, shown)
    return _told_once(request, made, "New recovery codes")


def _told_once(request: HttpRequest, told: list[str], title: str) -> HttpResponse:
    told = [f"{code[:5]} {code[5:]}" for code in told]
    lines = [f"Recovery codes of {_user(request).get_username()} at {settings.PUBLIC_URL}", *told]
    file = "data:text/plain;charset=utf-8," + quote("\n".join([*lines, ""]))
    return render(request, "security/codes.html", {"codes": told, "file": file, "title": title})


@require_POST
def off(request: HttpRequest) -> HttpResponse:
    """Without a second factor from now on, and signed out everywhere else."""
    user = _user(request)
    form = ConfirmForm(user, request, request.POST)
    if not form.is_valid():
        return _page(request, "off", form)
    step_up.prove(request, None)
    second_factor.remove(user, by=user.get_username(), but=request.session.session_key)
    messages.success(request, "Your second factor is turned off.")
    return _known_again(request, redirect("security"))


@require_POST
def sign_out_everywhere(request: HttpRequest) -> HttpResponse:
    """Tokens end as well: whoever had a session here may have made one."""
    proofs.end_all(_user(request).pk)
    devices.forget_all(_user(request).pk)
    logout(request)
    return redirect("login")


def _known_again(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The user of this browser has just shown who they are; all their others were forgotten."""
    devices.remember(request, response, _user(request))
    return response


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)


def _picture(address: str) -> str:
    svg: Any = get_adapter().build_totp_svg(address)
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
