"""Signing in for a token, as the original's scripts do."""

import logging
from datetime import timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth import logout as end_session
from django.http import HttpRequest, HttpResponse
from ninja import Field, Router, Schema

from accounts import gate, proofs, second_factor
from accounts.api.caller import Caller, by_token, caller_of, may
from accounts.api.shapes import Problem
from accounts.attempts import TOO_OFTEN, too_often
from accounts.models.token import ApiToken
from mt5monitor.api.answers import answer, detail
from mt5monitor.api.limits import address, spend

router = Router(tags=["Signing in"])
operations = logging.getLogger("operations")
WRONG = "Wrong user name or password."
NO_NAME = "Say which user: this desk has named none whose password alone would do."
NO_CODE = "This user signs in with a code too: send “code”, from the app or a recovery code."


class Credentials(Schema):
    username: str = Field("", max_length=150)
    password: str = Field(max_length=4096)
    code: str = Field("", max_length=64, description="of the second factor, where the user has one")


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
    mfa_required: bool = Field(False, description="a code is missing, or it was wrong")


ANSWERS = {200: SignedIn, 400: Problem, 401: Refused, 403: Refused, 422: Problem, 429: Problem}


class Verified(Schema):
    valid: bool
    message: str


@router.post("/login", summary="Sign in", auth=None, response=ANSWERS)
def login(request: HttpRequest, typed: Credentials) -> HttpResponse:
    """A token for user and password, and for a code where the user has a second factor. The user
    that the desk has named for old scripts needs no name."""
    name = typed.username or settings.API_PASSWORD_USER
    if not name:
        return _refused(NO_NAME)
    if too_often(request, name):
        response = detail(TOO_OFTEN, 429)
        response.headers["Retry-After"] = "60"
        return response
    user = authenticate(request, username=name, password=typed.password)
    if user is None:
        operations.warning("A sign-in for a token was refused, from %s", address(request))
        return _refused(WRONG)
    generation = proofs.generation_of(user.pk)
    factor = _factor(user, typed.code)
    if isinstance(factor, HttpResponse):
        return factor
    operations.info("%s signed in for a token", user.get_username())
    lasts, proof = timedelta(hours=settings.API_TOKEN_HOURS), proofs.now(user, factor, generation)
    token, key = ApiToken.issue(user, "signed in", lasts, proof=proof)
    told: dict[str, Any] = {"success": True, "token": key, "message": "Signed in."}
    return answer(told | {"expires_at": token.expires_at})


def _refused(text: str, status: int = 401, **more: Any) -> HttpResponse:
    return detail(text, status, success=False, message=text, **more)


def _factor(user: Any, code: str) -> Authenticator | HttpResponse | None:
    """The second factor that this code is of; None where none is asked for; or the refusal."""
    if gate.is_missing(user):
        return _refused(gate.MISSING, 403)
    if not second_factor.has(user):
        return None
    if not code:
        return _refused(NO_CODE, mfa_required=True)
    try:
        return second_factor.check(user, code)
    except second_factor.Wrong as wrong:
        return _refused(str(wrong), mfa_required=True)


@router.post(
    "/logout", summary="Sign out", auth=may(), response={200: Said, 401: Problem, 429: Problem}
)
def logout(request: HttpRequest) -> HttpResponse:
    """Revokes the token that this is asked with; ends the session of a browser without one."""
    token = caller_of(request).token
    if token is not None:
        token.revoke()
    else:
        end_session(request)
    return answer({"success": True, "message": "Signed out."})


@router.get("/verify", summary="Verify a token", auth=None, response={200: Verified, 429: Problem})
def verify(request: HttpRequest) -> HttpResponse:
    """Whether the token of this request is valid; no error when it is not."""
    spend(f"from:{address(request)}", settings.API_REQUESTS_PER_MINUTE)
    caller = _told(request)
    if caller is None:
        return answer({"valid": False, "message": "No token, or one that is not valid any more."})
    message = f"Valid, for {caller.user.get_username()}."
    if caller.reads_only:
        message += f" {gate.READS_ONLY}"
    return answer({"valid": True, "message": message})


def _told(request: HttpRequest) -> Caller | None:
    kind, _, key = request.headers.get("Authorization", "").partition(" ")
    return by_token(key, address(request)) if kind.lower() == "bearer" else None
