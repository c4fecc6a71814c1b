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
from accounts.models.token import WRONG_TOKEN, ApiToken
from accounts.signin import mfa_required, proofs
from mt5monitor.api.limits import address, network, spend

NO_TOKEN = "Missing authorization header: send “Authorization: Bearer …”, or sign in."  # noqa: S105


@dataclass(frozen=True)
class Caller:
    """`token` None: signed in on a page."""

    user: User
    token: ApiToken | None = None

    @cached_property
    def ident(self) -> str:
        return f"token:{self.token.pk}" if self.token else f"user:{self.user.pk}"

    @cached_property
    def reads_only(self) -> bool:
        """Whether its user needs a second factor now, and its token shows none that stands. A
        session without one is not let in at all."""
        return self.token is not None and mfa_required.is_unproven(self.user)

    def may(self, permission: str) -> bool:
        return self.has(permission) and (mfa_required.is_reading(permission) or not self.reads_only)

    def has(self, permission: str) -> bool:
        """Whether it is given to both token and user, whatever the token reads."""
        reaches = self.token is None or self.token.allows(permission)
        return reaches and self.user.has_perm(permission)


def caller_of(request: HttpRequest) -> Caller:
    """Of an operation that was opened by `may`."""
    return cast(Caller, cast(Any, request).auth)


def by_token(key: str, from_address: str) -> Caller | None:
    """Who holds this token; None when nobody may with it. Raises TooOften."""
    token = token_of(key, from_address)
    if token is None:
        return None
    proofs.attach(token.user, token.proof)
    return Caller(token.user, token)


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
        if caller.has(permission) and not caller.may(permission):
            raise HttpError(403, mfa_required.READS_ONLY)
        if not caller.may(permission):
            raise HttpError(403, f"You may not do this: {permission} is missing.")
    return caller


def may(*permissions: str) -> list[Any]:
    """What opens an operation to those who have all of these permissions."""
    return [Token(permissions), Session(permissions)]
