"""Signing in for a token, as the original's scripts do."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth import logout as end_session
from django.http import HttpRequest, HttpResponse
from ninja import Field, Router, Schema

from accounts.api.caller import Caller, by_token, caller_of, may
from accounts.api.shapes import Problem
from accounts.models import ApiToken
from accounts.models.sign_in import How
from accounts.signin import mfa_required, proofs, rate_limit, second_factor
from mt5monitor.api.answers import answer, detail
from mt5monitor.api.limits import address, network, spend

router = Router(tags=["Signing in"])
WRONG = "Wrong user name or password."
RETRY_S = 5
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


ANSWERS = {
    **{200: SignedIn, 400: Problem, 401: Refused, 403: Refused, 422: Problem, 429: Problem},
    503: Problem,
}


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
    if "\0" in name:  # PostgreSQL takes it for an error, and no user has such a name
        return _refused(WRONG)
    try:
        with rate_limit.counted(request, name, How.TOKEN) as tries:
            shown = _shown_by(request, name, typed, tries.mark)
    except _Refusal as refusal:
        return refusal.response
    if response := _without_the_factor(shown.user, typed.code):
        return response
    rate_limit.note_signed_in(request, shown.user, How.TOKEN)
    token, key = shown.token(timedelta(hours=settings.API_TOKEN_HOURS))
    told: dict[str, Any] = {"success": True, "token": key, "message": "Signed in."}
    return answer(told | {"expires_at": token.expires_at})


def unavailable(request: HttpRequest, error: Any) -> HttpResponse:
    """Of accounts.signin.hashing.Unavailable, wherever it comes from."""
    response = detail(str(error), error.status)
    response.headers["Retry-After"] = str(RETRY_S)
    return response


class _Refusal(Exception):
    def __init__(self, response: HttpResponse) -> None:
        super().__init__()
        self.response = response


@dataclass(frozen=True)
class _Shown:
    """Whose password it was, and of which second factor the code was that came along. `generation`
    was read before the code was checked: what ends meanwhile ends the token too."""

    user: Any
    generation: int
    factor: Authenticator | None = None

    def token(self, lasts: timedelta) -> tuple[ApiToken, str]:
        proof = proofs.now(self.user, self.factor, self.generation)
        return ApiToken.issue(self.user, "signed in", lasts, proof=proof)


def _shown_by(request: HttpRequest, name: str, typed: Credentials, mark: str) -> _Shown:
    """Raises _Refusal where the password or the code is wrong."""
    user = authenticate(request, username=name, password=typed.password)
    if user is None:
        raise _Refusal(_refused(WRONG))
    generation = proofs.generation_of(user.pk)
    if not typed.code or not second_factor.has(user) or mfa_required.is_missing(user):
        return _Shown(user, generation)
    try:
        return _Shown(user, generation, second_factor.check(user, typed.code, mark))
    except second_factor.Wrong as wrong:
        raise _Refusal(_refused(str(wrong), mfa_required=True)) from None


def _refused(text: str, status: int = 401, **more: Any) -> HttpResponse:
    return detail(text, status, success=False, message=text, **more)


def _without_the_factor(user: Any, code: str) -> HttpResponse | None:
    """None: no factor is asked for, or a code was sent, which was right."""
    if mfa_required.is_missing(user):
        return _refused(mfa_required.MISSING, 403)
    if second_factor.has(user) and not code:
        return _refused(NO_CODE, mfa_required=True)
    return None


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
    spend(f"from:{network(request)}", settings.API_REQUESTS_PER_MINUTE)
    caller = _told(request)
    if caller is None:
        return answer({"valid": False, "message": "No token, or one that is not valid any more."})
    message = f"Valid, for {caller.user.get_username()}."
    if caller.reads_only:
        message += f" {mfa_required.READS_ONLY}"
    return answer({"valid": True, "message": message})


def _told(request: HttpRequest) -> Caller | None:
    kind, _, key = request.headers.get("Authorization", "").partition(" ")
    return by_token(key, address(request)) if kind.lower() == "bearer" else None
