"""Who calls the API, and what they may: by token, or by the session of a browser."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest
from ninja.errors import HttpError
from ninja.security import APIKeyCookie, HttpBearer

from accounts.api.tokens import token_of
from accounts.models.token import ApiToken
from mt5monitor.api.limits import address, network, spend

WRONG_TOKEN = (
    "This token is wrong, has expired, was revoked, or ended "  # noqa: S105 - a sentence
    "with the former password of its user."
)
NO_TOKEN = "Missing authorization header: send “Authorization: Bearer …”, or sign in."  # noqa: S105


@dataclass(frozen=True)
class Caller:
    """`token` None: signed in on a page."""

    user: User
    token: ApiToken | None = None

    @cached_property
    def ident(self) -> str:
        return f"token:{self.token.pk}" if self.token else f"user:{self.user.pk}"

    def may(self, permission: str) -> bool:
        reaches = self.token is None or self.token.allows(permission)
        return reaches and self.user.has_perm(permission)


def caller_of(request: HttpRequest) -> Caller:
    """Of an operation that was opened by `may`."""
    return cast(Caller, cast(Any, request).auth)


def by_token(key: str, from_address: str) -> Caller | None:
    """Who holds this token; None when nobody may with it. Raises TooOften."""
    token = token_of(key, from_address)
    return None if token is None else Caller(token.user, token)


# --- what opens an operation -------------------------------------------------------------------
# Requests are counted here and not by a throttle, so that those that are refused count as well.
class Token(HttpBearer):
    """Whoever sends a token is asked for that one, whatever else they send."""

    def __init__(self, permissions: tuple[str, ...]) -> None:
        super().__init__()
        self.permissions = permissions

    def __call__(self, request: HttpRequest) -> Caller | None:
        if "Authorization" not in request.headers:
            return None
        caller = cast("Caller | None", super().__call__(request))
        if caller is None:
            spend(f"from:{network(request)}", settings.API_REQUESTS_PER_MINUTE)
            raise HttpError(401, WRONG_TOKEN)
        request.user = caller.user  # as whom edits are kept in the history
        return caller

    def authenticate(self, request: HttpRequest, token: str) -> Caller | None:
        caller = by_token(token, address(request))
        if caller is None:
            return None
        spend(caller.ident, settings.API_REQUESTS_PER_MINUTE)
        return permitted(caller, self.permissions)


class Session(APIKeyCookie):
    """A browser that is signed in; what it changes takes the CSRF token of a page."""

    param_name = settings.SESSION_COOKIE_NAME

    def __init__(self, permissions: tuple[str, ...]) -> None:
        super().__init__(csrf=True)
        self.permissions = permissions

    def __call__(self, request: HttpRequest) -> Caller | None:
        if not request.user.is_authenticated:
            spend(f"from:{network(request)}", settings.API_REQUESTS_PER_MINUTE)
            raise HttpError(401, NO_TOKEN)
        caller = Caller(request.user)
        spend(caller.ident, settings.API_REQUESTS_PER_MINUTE)
        return cast("Caller | None", super().__call__(request))

    def authenticate(self, request: HttpRequest, key: str | None) -> Caller | None:
        return permitted(Caller(cast(User, request.user)), self.permissions)


def permitted(caller: Caller, permissions: tuple[str, ...]) -> Caller:
    """Raises HttpError 403."""
    for permission in permissions:
        if not caller.may(permission):
            raise HttpError(403, f"You may not do this: {permission} is missing.")
    return caller


def may(*permissions: str) -> list[Any]:
    """What opens an operation to those who have all of these permissions."""
    return [Token(permissions), Session(permissions)]
