"""Who is held back until they have a second factor, and how: nothing but its page opens to them.

Required, unless the desk turns that off (settings.MFA_REQUIRED), of superusers, of those with a
permission of trading other than to look, and of those who can change agents, whose account an
agent reads, users or groups: each is a way to the money. It is asked at every request, and at every
beat of sockets and streams: a session opens nothing without one that still stands, a token of the
API reads and does nothing else. The door of orders asks again: permits.py.
"""

from collections.abc import Callable
from typing import Any, cast

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.models import Permission, User
from django.contrib.auth.views import redirect_to_login
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

from accounts.signin import proofs, second_factor
from accounts.signin.hashing import Unavailable
from mt5monitor.api.answers import detail
from mt5monitor.htmx import by_htmx

HELD = "accounts_held_back"  # attribute of a request
LOOKS = "view_"
# Besides those of trading: where orders go, whose an account is, and what other users may do.
GUARDED = (
    *(("accounts", model) for model in ("agent", "conflict")),
    *(("auth", model) for model in ("user", "group", "permission")),
)
CHANGES = ("add", "change", "delete")
# What opens to those who are held back; for the two prefixes after it, a token decides.
OPEN = ("/login/", "/logout/", "/security/", "/api/auth/", "/healthz", "/favicon.ico")
FOR_TOKENS = ("/api/", "/events/")
DOCUMENTS = ("/api/docs", "/api/openapi.json")  # to staff who are signed in; no token opens them
READS_ONLY = (
    "This token reads only: its user needs a second factor to do more, and this token was not made "
    "with one that is still set up. Sign in with a code, and make a new token."
)
MISSING = (
    "Your user can trade, or change agents or users, and so needs a second factor: set it up on "
    "the page Security."
)
_GUARDED = frozenset(f"{app}.{change}_{model}" for app, model in GUARDED for change in CHANGES)


def is_required(user: Any) -> bool:
    """Of this user, whatever the desk has turned off."""
    may = user.get_all_permissions() if user.is_active else set()
    return user.is_superuser or any(_is_guarded(permission) for permission in may)


def _is_guarded(permission: str) -> bool:
    app, _, codename = permission.partition(".")
    trades = app == "trading" and not codename.startswith(LOOKS)
    return trades or permission in _GUARDED


def required_of(user_ids: set[int]) -> set[int]:
    """Those of these users of whom it is required; one query, none when the desk has turned it
    off."""
    if not settings.MFA_REQUIRED or not user_ids:
        return set()
    trades = Q(content_type__app_label="trading") & ~Q(codename__startswith=LOOKS)
    names = {name.partition(".")[2] for name in _GUARDED}
    others = Q(content_type__app_label__in={app for app, _ in GUARDED}, codename__in=names)
    guarded = Permission.objects.filter(trades | others)
    may = Q(user_permissions__in=guarded) | Q(groups__permissions__in=guarded)
    may |= Q(is_superuser=True)
    return set(User.objects.filter(may, pk__in=user_ids).values_list("pk", flat=True))


def is_missing(user: Any) -> bool:
    """Whether a second factor is required of this user, who has none."""
    return settings.MFA_REQUIRED and is_required(user) and not second_factor.has(user)


def is_unproven(user: Any) -> bool:
    """Return whether a second factor is required of this user, who acts now without one that
    stands: see proofs.of."""
    if not settings.MFA_REQUIRED or not is_required(user):
        return False
    return not proofs.stands(user.pk, proofs.of(user))


def is_reading(permission: str) -> bool:
    """Return whether it is a permission to look, which a token keeps without a second factor."""
    return permission.partition(".")[2].startswith(LOOKS)


def holds_back(request: HttpRequest) -> bool:
    """Whether this session is somebody's who has to show a second factor first. Found once a
    request: the middleware asks, and the page asks again."""
    known: bool | None = getattr(request, HELD, None)
    if known is None:
        known = _holds_back(request)
        setattr(request, HELD, known)
    return known


def _holds_back(request: HttpRequest) -> bool:
    if not settings.MFA_REQUIRED or not request.user.is_authenticated:
        return False
    proof = proofs.of_session(request.session)
    return not proofs.stands(request.user.pk, proof) and is_required(request.user)


def held_back(request: HttpRequest) -> dict[str, Callable[[], bool]]:
    """For templates, which then lead nowhere."""
    return {"held_back": lambda: holds_back(request)}


class SignedInMiddleware(LoginRequiredMiddleware):
    """Pages are for those who are signed in, and are not held back."""

    def process_view(
        self, request: HttpRequest, view_func: Any, view_args: Any, view_kwargs: Any
    ) -> HttpResponseBase | None:
        answer = super().process_view(request, view_func, view_args, view_kwargs)
        if answer is not None or _is_open(request):
            return answer
        if request.user.is_authenticated:
            proofs.attach(request.user, proofs.of_session(request.session))
        if not holds_back(request):
            return None
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
