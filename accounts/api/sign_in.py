"""Signing in for a token, as the original's scripts do."""

import hashlib
import logging
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth import logout as end_session
from django.http import HttpRequest, HttpResponse
from ninja import Field, Router, Schema
from redis.exceptions import RedisError

from accounts.api.caller import Caller, by_token, caller_of, may
from accounts.api.shapes import Problem
from accounts.models.token import ApiToken
from mt5monitor.api.answers import answer, detail
from mt5monitor.api.limits import address, count, spend

router = Router(tags=["Signing in"])
operations = logging.getLogger("operations")
WRONG = "Wrong user name or password."
NO_NAME = "Say which user: this desk has named none whose password alone would do."
TOO_OFTEN = "Too many attempts to sign in: wait a minute."


class Credentials(Schema):
    username: str = Field("", max_length=150)
    password: str = Field(max_length=4096)


class SignedIn(Schema):
    success: bool
    token: str
    message: str
    expires_at: str


class Said(Schema):
    success: bool
    message: str


class Refused(Problem):
    success: bool = False
    message: str = ""


ANSWERS = {200: SignedIn, 400: Problem, 401: Refused, 422: Problem, 429: Problem}


class Verified(Schema):
    valid: bool
    message: str


@router.post("/login", auth=None, response=ANSWERS)
def login(request: HttpRequest, typed: Credentials) -> HttpResponse:
    """A token for user and password. The password alone is enough for the user that the desk has
    named for old scripts."""
    name = typed.username or settings.API_PASSWORD_USER
    if not name:
        return _refused(NO_NAME)
    if _is_too_often(request, name):
        response = detail(TOO_OFTEN, 429)
        response.headers["Retry-After"] = "60"
        return response
    user = authenticate(request, username=name, password=typed.password)
    if user is None:
        operations.warning("A sign-in for a token was refused, from %s", address(request))
        return _refused(WRONG)
    operations.info("%s signed in for a token", user.get_username())
    token, key = ApiToken.issue(user, "signed in", timedelta(hours=settings.API_TOKEN_HOURS))
    told: dict[str, Any] = {"success": True, "token": key, "message": "Signed in."}
    return answer(told | {"expires_at": token.expires_at})


def _refused(text: str) -> HttpResponse:
    return detail(text, 401, success=False, message=text)


def _is_too_often(request: HttpRequest, name: str) -> bool:
    """By address and by name. Nobody signs in while that cannot be counted."""
    who = hashlib.sha256(name.casefold().encode(errors="replace")).hexdigest()[:16]
    most = settings.API_LOGINS_PER_MINUTE
    try:
        # Both are counted, whichever of them is too often already.
        counts = [count(f"login:{key}") for key in (f"from:{address(request)}", f"name:{who}")]
    except (RedisError, ValueError):
        return True
    return bool(max(counts) > most)


@router.post("/logout", auth=may(), response={200: Said, 401: Problem, 429: Problem})
def logout(request: HttpRequest) -> HttpResponse:
    """Revokes the token that this is asked with; ends the session of a browser without one."""
    token = caller_of(request).token
    if token is not None:
        token.revoke()
    else:
        end_session(request)
    return answer({"success": True, "message": "Signed out."})


@router.get("/verify", auth=None, response={200: Verified, 429: Problem})
def verify(request: HttpRequest) -> HttpResponse:
    """Whether the token of this request is valid; no error when it is not."""
    spend(f"from:{address(request)}", settings.API_REQUESTS_PER_MINUTE)
    caller = _told(request)
    if caller is None:
        return answer({"valid": False, "message": "No token, or one that is not valid any more."})
    return answer({"valid": True, "message": f"Valid, for {caller.user.get_username()}."})


def _told(request: HttpRequest) -> Caller | None:
    kind, _, key = request.headers.get("Authorization", "").partition(" ")
    return by_token(key, address(request)) if kind.lower() == "bearer" else None
