"""Signing in, in one step or two, and out."""

import time
from typing import Any
from urllib.parse import urlencode, urlsplit

from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView, LogoutView, redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from accounts.models.sign_in import How
from accounts.signin import devices, passkeys, proofs, rate_limit, second_factor
from accounts.signin.forms import CodeForm, PasskeyForm, SignInForm, status_of
from mt5monitor.htmx import by_htmx

HALF = "password_passed"  # in the session of whoever has still to show a code
HALF_S = 300  # for so long a password waits for its code


@method_decorator(login_not_required, name="dispatch")
class SignIn(LoginView):
    template_name = "registration/login.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if by_htmx(request):
            return _sign_in_again(request)
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        user = form.get_user()
        if second_factor.has(user):
            self.request.session.cycle_key()  # whoever had it planted here gets nothing of it
            self.request.session[HALF] = _half(user, self.get_success_url())
            return redirect("login-code")
        self.request.session.pop(HALF, None)
        response = super().form_valid(form)
        return _signed_in(self.request, response, user, How.PASSWORD, None)

    def form_invalid(self, form: Any) -> HttpResponse:
        response = super().form_invalid(form)
        response.status_code = status_of(form)
        return response


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def code(request: HttpRequest) -> HttpResponse:
    """The second step, for those who have a second factor."""
    user = _half_signed_in(request)
    if request.user.is_authenticated or user is None:
        return redirect("login")
    form = None
    if request.method == "POST":
        kind = PasskeyForm if "credential" in request.POST else CodeForm
        form = kind(user, request, request.POST)
    if form is not None and form.is_valid():
        return _sign_in(request, user, form)
    context = {"form": form, "name": user.get_username(), "asked": ""}
    if passkeys.are_possible(request) and passkeys.of(user).exists():
        context["asked"] = passkeys.asked_to_show(user)
    return render(request, "registration/code.html", context, status=status_of(form))


def _sign_in(request: HttpRequest, user: User, form: CodeForm) -> HttpResponse:
    leads_to: str = request.session.pop(HALF)["next"]
    login(request, user)
    response = HttpResponseRedirect(leads_to)  # a path, never the name of a view
    return _signed_in(request, response, user, form.how, form.factor)


def _signed_in(
    request: HttpRequest,
    response: HttpResponse,
    user: User,
    how: str,
    factor: Authenticator | None,
) -> HttpResponse:
    """What follows a whole sign-in: it is in the record, and this browser is known from now on."""
    proofs.remember(request.session, user, factor)
    rate_limit.note_signed_in(request, user, how)
    devices.remember(request, response, user)
    return response


def _half(user: User, leads_to: str) -> dict[str, Any]:
    until = int(time.time()) + HALF_S
    return {"user": user.pk, "of": user.get_session_auth_hash(), "until": until, "next": leads_to}


def _half_signed_in(request: HttpRequest) -> User | None:
    """Who has shown this browser's password, a moment ago; it is still theirs."""
    half = request.session.get(HALF)
    # No further ahead than it was at first: then the clock was set back since.
    if not half or not 0 <= half["until"] - time.time() <= HALF_S:
        return None
    user = User.objects.filter(pk=half["user"], is_active=True).first()
    is_theirs = user and constant_time_compare(half["of"], user.get_session_auth_hash())
    return user if is_theirs else None


@login_not_required
def sign_in_to_admin(request: HttpRequest) -> HttpResponse:
    """The admin has no page of its own to sign in, so that there is one door to guard."""
    if admin.site.has_permission(request):
        return redirect("admin:index")
    if request.user.is_authenticated:
        raise PermissionDenied("Admin is for staff only. A manager of the desk can make you staff.")
    return redirect_to_login(request.GET.get("next") or reverse("admin:index"))


class SignOut(LogoutView):
    pass


def _sign_in_again(request: HttpRequest) -> HttpResponse:
    """A script's request was sent here because the session ended: bring the whole page along,
    and afterwards back to where it was."""
    try:
        page = urlsplit(request.headers.get("HX-Current-URL", ""))
    except ValueError:  # headers are written by anybody
        page = urlsplit("")
    back = page.path + (f"?{page.query}" if page.query else "")
    query = urlencode({"next": back or reverse("fleet"), "ended": "1"})
    return HttpResponseClientRedirect(f"{reverse('login')}?{query}")
