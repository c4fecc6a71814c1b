"""Who is held back until they have a second factor, and how: nothing but its page opens to them.

Required of whoever may trade, unless the desk turns that off (settings.MFA_REQUIRED): of
superusers, and of those with a permission of trading other than to look. It is asked of sessions;
a token of the API is made by a session that has passed, or for a password and a code.
"""

from collections.abc import Callable
from typing import Any, cast

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.models import Permission, User
from django.contrib.auth.views import redirect_to_login
from django.contrib.sessions.backends.base import SessionBase
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

from accounts import second_factor
from accounts.hashing import Unavailable
from accounts.views.answers import by_htmx
from mt5monitor.api.answers import detail

PASSED = "second_factor"  # in the session of whoever has shown one
LOOKS = "view_"
# What opens to those who are held back; for the two prefixes after it, a token decides.
OPEN = ("/login/", "/logout/", "/security/", "/api/auth/", "/healthz", "/favicon.ico")
FOR_TOKENS = ("/api/", "/events/")
DOCUMENTS = ("/api/docs", "/api/openapi.json")  # to staff who are signed in; no token opens them
MISSING = "Your user may trade, and so needs a second factor: set it up on the page Security."


def is_required(user: Any) -> bool:
    """Of this user, whatever the desk has turned off."""
    may = user.get_all_permissions() if user.is_active else set()
    return user.is_superuser or any(
        app == "trading" and not codename.startswith(LOOKS)
        for app, _, codename in (permission.partition(".") for permission in may)
    )


def required_of(user_ids: set[int]) -> set[int]:
    """Those of these users of whom it is required; one query, none when the desk has turned it
    off."""
    if not settings.MFA_REQUIRED or not user_ids:
        return set()
    trade = Permission.objects.filter(content_type__app_label="trading")
    trade = trade.exclude(codename__startswith=LOOKS)
    may = Q(user_permissions__in=trade) | Q(groups__permissions__in=trade) | Q(is_superuser=True)
    return set(User.objects.filter(may, pk__in=user_ids).values_list("pk", flat=True))


def is_missing(user: Any) -> bool:
    """Whether a second factor is required of this user, who has none."""
    return settings.MFA_REQUIRED and is_required(user) and not second_factor.has(user)


def has_passed(session: SessionBase | dict[str, Any]) -> bool:
    return bool(session.get(PASSED))


def holds_back(request: HttpRequest) -> bool:
    """Whether this session is somebody's who has to show a second factor first."""
    if not settings.MFA_REQUIRED or not request.user.is_authenticated:
        return False
    return not has_passed(request.session) and is_required(request.user)


def held_back(request: HttpRequest) -> dict[str, Callable[[], bool]]:
    """For templates, which then lead nowhere."""
    return {"held_back": lambda: holds_back(request)}


class SignedInMiddleware(LoginRequiredMiddleware):
    """Pages are for those who are signed in, and are not held back."""

    def process_view(
        self, request: HttpRequest, view_func: Any, view_args: Any, view_kwargs: Any
    ) -> HttpResponseBase | None:
        answer = super().process_view(request, view_func, view_args, view_kwargs)
        if answer is not None or _is_open(request) or not holds_back(request):
            return answer
        if request.path_info.startswith(FOR_TOKENS):
            return detail(MISSING, 403)
        return _to_the_factor(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A password that could not be hashed now, on a page that says nothing of it itself."""
        if not isinstance(exception, Unavailable):
            return None
        return render(request, "unavailable.html", {"why": str(exception)}, status=exception.status)


def _is_open(request: HttpRequest) -> bool:
    path = request.path_info
    by_token = path.startswith(FOR_TOKENS) and not path.startswith(DOCUMENTS)
    return path.startswith(OPEN) or (by_token and "Authorization" in request.headers)


def _to_the_factor(request: HttpRequest) -> HttpResponseBase:
    """To set it up; or to sign in again, for a session that began before there was one."""
    page = reverse("security-app")
    if second_factor.has(cast(User, request.user)):
        logout(request)
        page = redirect_to_login(request.get_full_path()).url
    return HttpResponseClientRedirect(page) if by_htmx(request) else HttpResponseRedirect(page)
