"""Signing in and out."""

import logging
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView, LogoutView, redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django_htmx.http import HttpResponseClientRedirect

from accounts.views.answers import by_htmx
from mt5monitor.api.limits import address

operations = logging.getLogger("operations")


@method_decorator(login_not_required, name="dispatch")
class SignIn(LoginView):
    template_name = "registration/login.html"
    redirect_authenticated_user = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if by_htmx(request):
            return _sign_in_again(request)
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        operations.info("%s signed in", form.get_user().get_username())
        return super().form_valid(form)

    def form_invalid(self, form: Any) -> HttpResponse:
        # Not as whom: people type their password into the wrong field.
        operations.warning("A sign-in was refused, from %s", address(self.request))
        return super().form_invalid(form)


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
