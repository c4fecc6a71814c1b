"""The one function that changes the state of a versus, and writes the step into its timeline."""

import logging
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.live.publishing import publish_accounts
from trading.events import publish_versus
from trading.models import Versus, VersusEvent
from trading.versus.states import ALARMING, ENDED, State, check

log = logging.getLogger("operations")

REASON_LENGTH = 500


def change(
    versus: Versus,
    to: State,
    reason: str,
    *,
    only: Q | None = None,
    actor: str = "",
    data: Any = None,
    **columns: Any,
) -> bool:
    """Moves `versus` along the diagram and appends the step, both or neither; shown after commit.

    Returns whether this call did it: False when the row was no longer as it is here, or not as
    `only` says. Raises NotInDiagram.
    """
    check(versus.state, to)
    now = timezone.now()
    columns |= {"state": to, "reason": reason[:REASON_LENGTH], "since": now, "retry_at": None}
    # An end that turns out to be none is back on the lists.
    columns |= {"ended_at": now if to in ENDED else None, "archived_at": None}
    row = Versus.objects.filter(pk=versus.pk, state=versus.state, run=versus.run)
    if only is not None:
        row = row.filter(only)
    with transaction.atomic():
        if not row.update(**columns):
            return False
        append(versus, reason, state=to, actor=actor, data=data)
        publish_accounts([versus.login_a, versus.login_b])
        publish_versus(versus)
    for name, value in columns.items():
        setattr(versus, name, value)
    return True


def append(
    versus: Versus, text: str, *, state: str = "", step: str = "", actor: str = "", data: Any = None
) -> VersusEvent:
    """A step that changes no state. The log of the desk's operations gets it too."""
    told = (versus.code, versus.login_a, versus.login_b, state or step or versus.state, text)
    level = logging.WARNING if state in ALARMING else logging.INFO
    log.log(level, "Versus %s of %s and %s, %s: %s", *told)
    return VersusEvent.objects.create(
        versus=versus,
        at=timezone.now(),
        state=state,
        step=step,
        text=text[:REASON_LENGTH],
        actor=actor,
        data=data,
    )
