"""Versus for programs, with the original's routes; what they do is what the pages do."""

from functools import partial
from typing import Annotated, Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from ninja import Field, Path, Query, Router, Schema

from accounts.api.accounts import ERRORS
from accounts.api.caller import Caller, caller_of, may
from accounts.api.shapes import Problem
from mt5monitor.api.answers import answer, conditional, detail
from trading.api.versus_shapes import (
    Listed,
    Ran,
    Run,
    VersusIn,
    VersusList,
    VersusMade,
    VersusOut,
    fields,
    ran,
)
from trading.models import Versus
from trading.models.standing import ACKNOWLEDGE, standing_for
from trading.payloads import versus_payload, with_payload
from trading.permits import refusal_of_the_switch
from trading.versus import archive, desk
from trading.versus.desk import NotNow
from trading.versus.form import VersusForm
from trading.versus.states import OPENING, State

router = Router(tags=["Versus"])
LOOK = may("accounts.view_account", "trading.view_versus")
RUN = may("accounts.view_account", "trading.view_versus", "trading.run_versus")
OFF = "Versus are off on this server. Set VERSUS_ENABLED=1 to allow them."
Code = Annotated[str, Path(max_length=20)]


class Feature(Schema):
    enabled: bool


class CheckOut(Schema):
    sentence: str
    blocks: bool = Field(description="false: it may be accepted")


class Refusal(Problem):
    checks: list[CheckOut] | None = None
    errors: dict[str, str] | None = None
    versus: VersusOut | None = Field(None, description="as it stands, where a step has failed")


class Done(Schema):
    status: str
    message: str


ANSWERS = {200: Ran, 202: Ran, 400: Refusal, 503: Problem, **ERRORS}


@router.get("", summary="All versus", auth=LOOK, response={200: VersusList, **ERRORS})
def every(request: HttpRequest, asked: Query[Listed]) -> HttpResponseBase:
    """The newest first; those that were deleted with `archived=true` only."""
    chosen = Versus.objects.all() if asked.archived else Versus.objects.listed()
    rows = with_payload(chosen.order_by("-pk"))
    if asked.before:
        rows = rows.filter(pk__lt=_find(asked.before).pk)
    page = list(rows[: asked.limit + 1])
    more = len(page) > asked.limit
    page = page[: asked.limit]
    told = [versus_payload(one) for one in page]
    after = page[-1].code if more else None
    return conditional(request, {"versus_list": told, "count": len(told), "next": after})


@router.get(
    "/feature-status",
    summary="Whether versus may begin here",
    auth=may(),
    response={200: Feature, 401: Problem, 429: Problem},
)
def feature_status(request: HttpRequest) -> HttpResponse:
    """Whether versus may begin here."""
    return answer({"enabled": settings.VERSUS_ENABLED})


@router.get("/{code}", summary="One versus", auth=LOOK, response={200: VersusMade, **ERRORS})
def one(request: HttpRequest, code: Code) -> HttpResponseBase:
    """One, as it stands now."""
    return conditional(request, {"status": "success", "versus": versus_payload(_find(code))})


@router.post(
    "",
    summary="Create a versus",
    auth=RUN,
    response={200: VersusMade, 400: Refusal, 503: Problem, **ERRORS},
)
def create(request: HttpRequest, asked: VersusIn) -> HttpResponse:
    """Stored and checked; nothing is sent. What is only a warning, such as the rules of a firm, is
    accepted by the caller with `acknowledge_firm_rules`, or beforehand by a standing
    acknowledgement that a person gave in the admin; either is recorded."""
    if not settings.VERSUS_ENABLED:
        return detail(OFF, 503)
    form = VersusForm(fields(asked), None, is_exact=True)
    if not form.is_valid():
        errors = form.sentences
        return detail(" ".join(errors.values()), 400, errors=errors)
    caller = caller_of(request)
    try:
        made = _acknowledging(
            caller,
            asked.acknowledge_firm_rules,
            partial(desk.create, form.versus(), caller.user),
        )
    except NotNow as refused:
        return _not_now(refused)
    return answer({"status": "success", "versus": versus_payload(_find(made.code))})


@router.delete(
    "/{code}", summary="Delete a versus", auth=RUN, response={200: Done, 400: Problem, **ERRORS}
)
def delete(request: HttpRequest, code: Code) -> HttpResponse:
    """Takes one that has ended off the lists, and cancels one that was not begun first. One that
    is open is closed first, with `POST …/close`. Nothing is lost: it stays readable by its id."""
    versus, user = _find(code), caller_of(request).user
    cancelled = desk.cancel(versus, user)
    if not archive.archive(versus, user):
        versus.refresh_from_db()
        if not versus.is_ended:
            state = versus.get_state_display()
            text = f"Versus {code} is {state}: close it first, with POST /api/versus/{code}/close."
            return detail(text, 400)
    done = "is cancelled and deleted" if cancelled else "is deleted"
    return answer({"status": "success", "message": f"Versus {code} {done}."})


@router.post("/{code}/congelar", summary="Freeze a versus: congelar", auth=RUN, response=ANSWERS)
def freeze(request: HttpRequest, code: Code, asked: Run | None = None) -> HttpResponse:
    """Opens both legs on A. 202: it goes on by itself; look at it again."""
    return _run(request, code, asked, desk.freeze, State.FROZEN)


@router.post(
    "/{code}/transferir", summary="Transfer a versus: transferir", auth=RUN, response=ANSWERS
)
def transfer(request: HttpRequest, code: Code, asked: Run | None = None) -> HttpResponse:
    """Opens the halves on B, then releases A's other leg."""
    return _run(request, code, asked, desk.transfer, State.TRANSFERRED)


@router.post(
    "/{code}/close",
    summary="Close a versus",
    auth=RUN,
    response={200: Ran, 202: Ran, 400: Problem, **ERRORS},
)
def close(request: HttpRequest, code: Code) -> HttpResponse:
    """Closes every leg that is open, on both accounts; tried until it is done. One that was not
    begun is cancelled; one that has ended is answered as it is."""
    versus, user = _find(code), caller_of(request).user
    if not desk.close_both(versus, user, "") and not desk.cancel(versus, user):
        versus.refresh_from_db()
        if not versus.is_ended:
            state = versus.get_state_display()
            return detail(f"Versus {code} is {state}: close it when this step is done.", 400)
    now = _find(code)
    return answer(ran(now), 200 if now.is_ended else 202)


# --- running ------------------------------------------------------------------------------------
def _run(request: HttpRequest, code: str, asked: Run | None, begin: Any, to: State) -> HttpResponse:
    versus, caller = _find(code), caller_of(request)
    if not settings.VERSUS_ENABLED:
        return detail(OFF, 503)
    if why := refusal_of_the_switch():
        return detail(why, 503)
    try:
        _acknowledging(
            caller,
            asked is not None and asked.acknowledge_firm_rules,
            partial(begin, versus, caller.user),
        )
    except NotNow as refused:
        return _not_now(refused)
    now = _find(code)
    if now.state == to:
        return answer(ran(now))
    if now.state in OPENING or now.state == State.UNPROTECTED:
        return answer(ran(now) | {"status": "pending"}, 202)
    return answer(ran(now) | {"status": "error", "detail": now.reason}, 400)


def _acknowledging(caller: Caller, accepts: bool, act: Any) -> Any:
    """What a program accepts are the warnings of this moment, word by word; those that it does not
    accept may have been accepted beforehand."""
    try:
        return act()
    except NotNow as refused:
        if not refused.may_acknowledge:
            raise
        if accepts and caller.may(ACKNOWLEDGE):
            return act(acknowledged=[check.sentence for check in refused.checks])
        if standing := standing_for(caller.user, caller.token, timezone.now()):
            return act(standing=standing)
        if accepts:
            raise PermissionDenied(f"You may not do this: {ACKNOWLEDGE} is missing.") from refused
        raise


def _not_now(refused: NotNow) -> HttpResponse:
    checks = [{"sentence": check.sentence, "blocks": check.blocks} for check in refused.checks]
    return detail(str(refused), 400, checks=checks)


def _find(code: str) -> Versus:
    rows = with_payload(Versus.objects.filter(code=code)) if code.isprintable() else []
    for versus in rows:
        return versus
    raise Http404(f"There is no versus {code}.")
