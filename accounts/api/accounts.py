"""Accounts: listed, read anew, put into a phase or a VS group."""

import re
from typing import Annotated, Any, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from ninja import Field, Path, Router, Schema

from accounts import edits
from accounts.api import reads, shapes
from accounts.api.caller import may
from accounts.api.reads import read_now
from accounts.api.shapes import AccountOut, AccountsOut, Problem
from accounts.models import Account, Agent, Phase
from mt5monitor.api.answers import answer, conditional, detail

NEVER_STORED: Final = re.compile("[\\x00\\ud800-\\udfff]")
router = Router(tags=["Accounts"])
Number = Annotated[int, Path(gt=0, lt=2**63, description="the MT5 login")]
ERRORS = {401: Problem, 403: Problem, 404: Problem, 422: Problem, 429: Problem}


class PhaseIn(Schema):
    phase: str = Field(max_length=80)


class VSIn(Schema):
    vs_group: str | None = Field(
        max_length=80, description="upper-cased where it is new; empty or null: out of its group"
    )


class PhaseSet(Schema):
    status: str
    message: str
    account_number: int
    new_phase: str


class VSSet(Schema):
    status: str
    message: str
    account_number: int
    new_vs: str


@router.get(
    "",
    summary="All accounts",
    auth=may("accounts.view_account"),
    response={200: AccountsOut, **ERRORS},
)
def accounts(request: HttpRequest, force_refresh: bool = False) -> HttpResponseBase:
    """All of them, from the rows; `force_refresh` reads every agent first, and waits for it."""
    if force_refresh:
        read_now(request, Agent.objects.filter(enabled=True))
    else:
        reads.note(polled=False)
    rows = Account.objects.for_rows().only(*shapes.COLUMNS).order_by("number")
    return conditional(request, shapes.fleet(rows, timezone.now()))


@router.get(
    "/{number}",
    summary="One account",
    auth=may("accounts.view_account"),
    response={200: AccountOut, **ERRORS},
)
def account(request: HttpRequest, number: Number, force_refresh: bool = False) -> HttpResponseBase:
    """One; `force_refresh` reads its agent first, and no other."""
    row = account_as_asked(request, number, force_refresh)
    return conditional(request, shapes.account(row, 1, timezone.now()))


@router.put(
    "/{number}/phase",
    summary="Set the phase of an account",
    auth=may("accounts.view_account", "accounts.change_phase"),
    response={200: PhaseSet, 400: Problem, **ERRORS},
)
def set_phase(request: HttpRequest, number: Number, asked: PhaseIn) -> HttpResponse:
    """Into another phase, by its name. An unknown name is refused, or becomes a new phase where
    `API_NEW_PHASES` is set."""
    row = account_or_404(number)
    phase = Phase.objects.filter(name=printable(asked.phase)).first()
    if phase is None and settings.API_NEW_PHASES:
        try:
            phase = edits.new_phase(asked.phase)
        except ValidationError as error:
            return detail(f"phase: {' '.join(error.messages)}", 400)
    if phase is None:
        names = ", ".join(Phase.objects.values_list("name", flat=True))
        return detail(f"There is no such phase. There are: {names}.", 400)
    edits.set_phase([row], phase)
    return _edited(row, f"Account {number} is in phase {phase}.", new_phase=phase.name)


@router.put(
    "/{number}/vs",
    summary="Set the VS group of an account",
    auth=may("accounts.view_account", "accounts.change_vs"),
    response={200: VSSet, 400: Problem, **ERRORS},
)
def set_vs(request: HttpRequest, number: Number, asked: VSIn) -> HttpResponse:
    """Into the VS group of that name, made when new; a third member is refused."""
    row = account_or_404(number)
    try:
        edits.set_vs_group(row, (asked.vs_group or "").upper())  # as the original did
    except ValidationError as error:
        return detail(" ".join(error.messages), 400)
    name = row.vs_group.name if row.vs_group else ""
    where = f"in VS group {name}" if name else "in no VS group"
    return _edited(row, f"Account {number} is {where}.", new_vs=name)


def _edited(row: Account, message: str, **what: Any) -> HttpResponse:
    told = {"status": "success", "message": message, "account_number": row.number}
    return answer(told | what)


def account_or_404(number: int) -> Account:
    row = Account.objects.for_rows().filter(number=number).first()
    if row is None:
        raise Http404(f"There is no account {number}.")
    return row


def account_as_asked(request: HttpRequest, number: int, force_refresh: bool) -> Account:
    """Of the rows; with `force_refresh`, after its agent was read. Raises Http404, TooOften."""
    row = account_or_404(number)
    if force_refresh and row.agent is not None:
        read_now(request, [row.agent])
        return account_or_404(number)
    reads.note(polled=False)
    return row


def printable(text: str) -> str:
    """What PostgreSQL takes as a text to look for; nothing that is stored is anything else."""
    return "" if NEVER_STORED.search(text) else text
