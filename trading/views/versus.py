"""Versus on pages: all of them, one, and what may be done with it, each thing confirmed first."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts.live.current import mark
from mt5monitor.text import clean
from trading.models import Versus
from trading.sizing import Refused
from trading.versus import archive, buttons, card, desk, preview, zones
from trading.versus.buttons import Act
from trading.versus.card import Card
from trading.versus.changes import REASON_LENGTH
from trading.versus.check import Check
from trading.versus.desk import NotNow
from trading.versus.ended_list import EndedList
from trading.versus.preview import Preview
from trading.versus.states import ENDED, State

MAY_LOOK = ["accounts.view_account", "trading.view_versus"]
may_look = permission_required(MAY_LOOK, raise_exception=True)
may_run = permission_required([*MAY_LOOK, "trading.run_versus"], raise_exception=True)
both = require_http_methods(["GET", "POST"])
CHANGED = "It was changed by somebody else meanwhile; nothing was done. It is {} now."
FELL_BACK = {
    buttons.FREEZE: frozenset({State.CANCELLED, State.COMPENSATED, State.DIVERGED}),
    buttons.TRANSFER: frozenset({State.FROZEN, State.UNPROTECTED, State.DIVERGED}),
}


@require_safe
@may_look
def overview(request: HttpRequest) -> HttpResponse:
    epoch, seq = mark()
    look = EndedList(request.GET.dict())
    opened = card.for_cards(Versus.objects.exclude(state__in=ENDED))
    context = {
        "live": {"epoch": epoch, "seq": seq},
        "cards": card.cards(opened, timezone.now()),
        "ended": look.rows(),
        "shows_archive": look.shows_archive,
        "archived": look.archived,
        "look": look,
    }
    return render(request, "versus/overview.html", context)


@require_safe
@may_look
def one(request: HttpRequest, code: str) -> HttpResponse:
    epoch, seq = mark()
    context = {"live": {"epoch": epoch, "seq": seq}, "card": _card_or_404(code), "whole": True}
    return render(request, "versus/one.html", context)


def _card_or_404(code: str) -> Card:
    versus = card.for_cards(Versus.objects.filter(code=code[:20])).first()
    if versus is None:
        raise Http404(f"There is no versus {code}.")
    return Card(versus, timezone.now())


# --- acting -------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Action:
    """`does` raises NotNow or Refused, or returns False when the versus has changed meanwhile."""

    act: Act
    does: Callable[[Versus, HttpRequest, User], object]
    preview: Callable[[Versus], Preview] | None = None


def _freeze(versus: Versus, request: HttpRequest, user: User) -> Versus:
    return desk.freeze(versus, user, acknowledged(request))


def _transfer(versus: Versus, request: HttpRequest, user: User) -> Versus:
    return desk.transfer(versus, user, acknowledged(request))


def _schedule(versus: Versus, request: HttpRequest, user: User) -> bool:
    zone = zones.stored(versus.zone)
    freeze_at = zones.read(request.POST.get("freeze_at", ""), zone, "Freeze at")
    transfer_at = zones.read(request.POST.get("transfer_at", ""), zone, "Transfer at")
    return desk.schedule(versus, user, freeze_at, transfer_at)


def _cancel(versus: Versus, _request: HttpRequest, user: User) -> bool:
    return desk.cancel(versus, user)


def _close(versus: Versus, request: HttpRequest, user: User) -> bool:
    return desk.close_both(versus, user, clean(request.POST.get("reason", ""), REASON_LENGTH))


def _take(versus: Versus, _request: HttpRequest, user: User) -> bool:
    return desk.take_over(versus, user)


def _archive(versus: Versus, _request: HttpRequest, user: User) -> bool:
    return archive.archive(versus, user)


def _restore(versus: Versus, _request: HttpRequest, user: User) -> bool:
    return archive.restore(versus, user)


ACTIONS = {
    "freeze": Action(buttons.FREEZE, _freeze, preview.freeze),
    "transfer": Action(buttons.TRANSFER, _transfer, preview.transfer),
    "schedule": Action(buttons.SCHEDULE, _schedule),
    "cancel": Action(buttons.CANCEL, _cancel),
    "close": Action(buttons.CLOSE, _close),
    "take": Action(buttons.TAKE, _take),
    "archive": Action(buttons.ARCHIVE, _archive),
    "restore": Action(buttons.RESTORE, _restore),
}


def acknowledged(request: HttpRequest) -> list[str]:
    """The warnings that stood beside the box, if it was ticked."""
    return request.POST.getlist("warning") if request.POST.get("acknowledged") == "on" else []


def against(checks: Sequence[Check]) -> dict[str, Any]:
    """What pages show of the checks that did not pass."""
    blocks = [check.sentence for check in checks if check.blocks]
    warnings = [check.sentence for check in checks if not check.blocks]
    return {"blocks": blocks, "warnings": warnings, "may_acknowledge": bool(checks) and not blocks}


@both
@may_run
def act(request: HttpRequest, code: str, action: str) -> HttpResponse:
    """What will happen, in words; confirmed, it happens."""
    asked, shown = ACTIONS[action], _card_or_404(code)
    if asked.act not in shown.acts:
        state = shown.versus.get_state_display()
        messages.info(request, f"{shown.versus.code} is {state} now. Nothing more was done.")
        return redirect("versus", shown.versus.code)
    if request.method != "POST":
        return _confirm(request, action, shown)
    run = str(shown.versus.run)
    if asked.act in FELL_BACK and request.POST.get("run", run) != run:
        # A button that was pressed twice: what it confirmed has begun, and fallen back since.
        messages.error(request, CHANGED.format(shown.versus.get_state_display()))
        return redirect("versus", shown.versus.code)
    return _do(request, action, shown)


def _do(request: HttpRequest, action: str, shown: Card) -> HttpResponse:
    asked, versus, before = ACTIONS[action], shown.versus, shown.versus.state
    try:
        done = asked.does(versus, request, cast(User, request.user))
    except NotNow as error:
        versus.refresh_from_db()
        if versus.state == before:
            return _confirm(request, action, shown, error.checks, status=422)
        done = False
    except Refused as refused:
        return _confirm(request, action, shown, [Check(str(refused))], status=422)
    versus.refresh_from_db()
    if done is False:
        messages.error(request, CHANGED.format(versus.get_state_display()))
    else:
        fell_back = versus.state in FELL_BACK.get(asked.act, ())
        level = messages.ERROR if fell_back else messages.SUCCESS
        messages.add_message(request, level, _became(versus, asked.act))
    return redirect("versus", versus.code)


def _became(versus: Versus, act: Act) -> str:
    if act == buttons.SCHEDULE:
        return f"{versus.code}: the schedule is stored."
    if act == buttons.ARCHIVE:
        return f"{versus.code} is archived."
    if act == buttons.RESTORE:
        return f"{versus.code} is back on the list."
    return f"{versus.code} is {versus.get_state_display()} now. {versus.reason}"


def _confirm(
    request: HttpRequest,
    action: str,
    shown: Card,
    checks: Sequence[Check] = (),
    *,
    status: int = 200,
) -> HttpResponse:
    """A refused form keeps what was typed."""
    asked, versus = ACTIONS[action], shown.versus
    zone = zones.stored(versus.zone)
    times = {
        name: zones.typed(getattr(versus, name), zone) for name in ("freeze_at", "transfer_at")
    }
    context: dict[str, Any] = {
        "card": shown,
        "versus": versus,
        "action": action,
        "act": asked.act,
        "typed": times | request.POST.dict(),
        "preview": asked.preview(versus) if asked.preview else None,
        **against(checks),
    }
    return render(request, "versus/confirm.html", context, status=status)
