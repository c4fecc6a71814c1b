"""What Celery beat does for versus: begins what is due, misses what is too late, drives the rest.

A scheduled step begins once or never: whoever begins it takes its time away with the change of
state, in one UPDATE.
"""

import logging
from collections.abc import Callable
from datetime import datetime

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.utils import timezone

from accounts.signin import proofs
from mt5monitor.database import each
from trading.late_fills import WITHIN as LATE_FILLS_WITHIN
from trading.models import Versus
from trading.versus import desk
from trading.versus.changes import REASON_LENGTH, append, change
from trading.versus.desk import NotNow, Unproven
from trading.versus.driver import drive
from trading.versus.states import State

log = logging.getLogger(__name__)
NOT_YET = "Not begun yet: "
Run = Callable[[Versus, User], Versus]


def tend() -> int:
    """One round; returns how many versus were looked at."""
    now = timezone.now()
    late = Versus.objects.executed_since(now - LATE_FILLS_WITHIN)
    late |= Versus.objects.held_since(now - LATE_FILLS_WITHIN)
    versus = [*_due(now), *Versus.objects.driven(), *late]
    # The time anew for each: those before it may have taken a while.
    each(versus, lambda one: _tend(one, timezone.now()), log, "Versus %s could not be driven")
    return len(versus)


def _due(now: datetime) -> list[Versus]:
    return list(Versus.objects.filter(state=State.PENDING, freeze_at__lte=now))


def _tend(versus: Versus, now: datetime) -> None:
    if versus.state == State.PENDING:
        _freeze(versus, now)
    elif versus.state == State.FROZEN and versus.transfer_at and versus.transfer_at <= now:
        _transfer(versus, now)
    else:
        drive(versus)


def _freeze(versus: Versus, now: datetime) -> None:
    if why := _begin(versus, now, versus.freeze_at, desk.freeze):
        still = Q(freeze_at=versus.freeze_at)
        change(versus, State.MISSED, why, only=still, freeze_at=None, transfer_at=None)


def _transfer(versus: Versus, now: datetime) -> None:
    if why := _begin(versus, now, versus.transfer_at, desk.transfer):
        row = Versus.objects.filter(pk=versus.pk, state=State.FROZEN)
        row = row.filter(transfer_at=versus.transfer_at)
        if row.update(transfer_at=None, reason=why[:REASON_LENGTH]):
            append(versus, why)


def _begin(versus: Versus, now: datetime, at: datetime | None, run: Run) -> str:
    """Why it is missed; empty when it has begun, or may still begin within its window."""
    if at is None or now > at + versus.window:
        text = f"Its time has passed: {at:%Y-%m-%d %H:%M:%S} UTC. Nothing was sent."
        return text + _why_not(versus)
    proofs.attach(versus.runner, versus.proof)  # as whoever scheduled it, and with their proof
    try:
        run(versus, versus.runner)
    except Unproven:
        why = "without a second factor, or with one that was removed since"
        return f"{versus.runner_name} scheduled it {why}. Schedule it again."
    except PermissionDenied:
        return f"{versus.runner_name}, who scheduled it, may not run versus any more."
    except NotNow as error:
        times = {"freeze_at": versus.freeze_at, "transfer_at": versus.transfer_at}
        row = Versus.objects.filter(pk=versus.pk, state=versus.state, **times)
        row.update(reason=f"{NOT_YET}{error}"[:REASON_LENGTH])
    return ""


def _why_not(versus: Versus) -> str:
    """What stood against it when it was tried last."""
    why = versus.reason
    return f" It could not begin: {why.removeprefix(NOT_YET)}" if why.startswith(NOT_YET) else ""
