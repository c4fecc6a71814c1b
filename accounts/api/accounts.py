"""Accounts: listed, read anew, put into a phase or a VS group."""

import re
from typing import Annotated, Any, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from ninja import Field, Path, Query, Router, Schema

from accounts import edits
from accounts.api import reads, shapes
from accounts.api.caller import may
from accounts.api.reads import read_now
from accounts.api.shapes import AccountOut, AccountsOut, Choices, Problem
from accounts.keys import account_of
from accounts.models import Account, Agent, Phase
from accounts.payloads import COLUMNS, account_payload
from mt5monitor.api.answers import answer, conditional, detail

NEVER_STORED: Final = re.compile("[\\x00\\ud800-\\udfff]")
router = Router(tags=["Accounts"])
Number = Annotated[int, Path(gt=0, lt=2**63, description="the MT5 login")]
ERRORS = {401: Problem, 403: Problem, 404: Problem, 422: Problem, 429: Problem}
OF_ONE = {409: Choices, **ERRORS}  # of those with a number in their path


class Which(Schema):
    """Of several accounts with one number; not needed where only one has it."""

    server: str | None = Field(
        None, max_length=64, description="the broker's; empty: the one whose server is not known"
    )
    account_id: int | None = Field(None, gt=0, lt=2**63)


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
    account_id: int
    server: str | None
    new_phase: str


class VSSet(Schema):
    status: str
    message: str
    account_number: int
    account_id: int
    server: str | None
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
    rows = Account.objects.for_rows().only(*COLUMNS).order_by("number", "pk")
    return conditional(request, shapes.fleet(rows, timezone.now()))


@router.get(
    "/{number}",
    summary="One account",
    auth=may("accounts.view_account"),
    response={200: AccountOut, **OF_ONE},
)
def account(
    request: HttpRequest, number: Number, which: Query[Which], force_refresh: bool = False
) -> HttpResponseBase:
    """One; `force_refresh` reads its agent first, and no other."""
    row = account_as_asked(request, number, which, force_refresh)
    return conditional(request, account_payload(row, 1, timezone.now()))


@router.put(
    "/{number}/phase",
    summary="Set the phase of an account",
    auth=may("accounts.view_account", "accounts.change_phase"),
    response={200: PhaseSet, 400: Problem, **OF_ONE},
)
def set_phase(
    request: HttpRequest, number: Number, which: Query[Which], asked: PhaseIn
) -> HttpResponse:
    """Into another phase, by its name. An unknown name is refused, or becomes a new phase where
    `API_NEW_PHASES` is set."""
    row = account_or_404(number, which)
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
    return _edited(row, f"Account {row.title} is in phase {phase}.", new_phase=phase.name)


@router.put(
    "/{number}/vs",
    summary="Set the VS group of an account",
    auth=may("accounts.view_account", "accounts.change_vs"),
    response={200: VSSet, 400: Problem, **OF_ONE},
)
def set_vs(request: HttpRequest, number: Number, which: Query[Which], asked: VSIn) -> HttpResponse:
    """Into the VS group of that name, made when new; a third member is refused."""
    row = account_or_404(number, which)
    try:
        edits.set_vs_group(row, (asked.vs_group or "").upper())  # as the original did
    except ValidationError as error:
        return detail(" ".join(error.messages), 400)
    name = row.vs_group.name if row.vs_group else ""
    where = f"in VS group {name}" if name else "in no VS group"
    return _edited(row, f"Account {row.title} is {where}.", new_vs=name)


def _edited(row: Account, message: str, **what: Any) -> HttpResponse:
    told = {"status": "success", "message": message, "account_number": row.number}
    told |= {"account_id": row.pk, "server": row.server or None}
    return answer(told | what)


def account_or_404(number: int, which: Which) -> Account:
    """Raises Ambiguous when several have the number, and neither server nor id says which."""
    key = str(number) if which.account_id is None else f"{number}-{which.account_id}"
    try:
        return account_of(key, Account.objects.for_rows(), which.server)
    except Account.DoesNotExist as error:
        at = f" at server “{which.server}”" if which.server is not None else ""
        raise Http404(f"There is no account {key}{at}.") from error


def ambiguous(request: HttpRequest, error: Any) -> HttpResponse:
    rows = [(one.number, one.pk, one.server or None) for one in error.accounts]
    names = ("account_number", "account_id", "server")
    choices = [dict(zip(names, row, strict=True)) for row in rows]
    return detail(f"{error} Add `server` or `account_id`.", 409, choices=choices)


def account_as_asked(
    request: HttpRequest, number: int, which: Which, force_refresh: bool
) -> Account:
    """Of the rows; with `force_refresh`, after its agent was read. Raises Http404, TooOften."""
    row = account_or_404(number, which)
    if force_refresh and row.agent is not None:
        read_now(request, [row.agent])
        return account_or_404(number, Which(server=None, account_id=row.pk))
    reads.note(polled=False)
    return row


def printable(text: str) -> str:
    """What PostgreSQL takes as a text to look for; nothing that is stored is anything else."""
    return "" if NEVER_STORED.search(text) else text
