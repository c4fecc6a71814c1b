"""What is done when the database, or the folder beside it, turns out to be restored or copied: what
happened since the backup is unknown here, so nothing goes on by itself.

Orders that waited may have been sent since, and steps of a versus taken. They are looked for, never
sent; a versus that was under way waits for a person, and nothing stays scheduled.
"""

import logging
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.agents import client
from accounts.live.publishing import publish_accounts, publish_note
from trading.events import publish_versus
from trading.journal import change
from trading.models import Order, TradingSwitch, Versus
from trading.states import State
from trading.versus import changes
from trading.versus.states import ON_ITS_WAY
from trading.versus.states import State as VersusState

BY = "the monitor"
WHAT_TO_DO = "Compare positions and orders with the terminals, then switch trading on again."
ORDER_MAY_BE_SENT = "It may have been sent after the backup; the monitor looks for the outcome."
ORDER_WAITED = "Whether it was sent after the backup is unknown. Look at the terminal."
HALTED = (
    "It was under way when the backup was made; later steps are unknown here. "
    "Compare both accounts with their terminals, then close both."
)
UNSCHEDULED = "Its schedule was removed: the database or STATE_DIR was restored or copied."
operations = logging.getLogger("operations")


def other_instance() -> str:
    """Return what to notice when trading was switched on for another INSTANCE_ID; else empty.
    Where no order may leave the id does not matter, and may be another one."""
    switch = TradingSwitch.objects.filter(pk=TradingSwitch.PK, is_on=True).first()
    if not settings.TRADING_ENABLED or switch is None or switch.instance == settings.INSTANCE_ID:
        return ""
    return "The database was restored or copied: trading was switched on for another INSTANCE_ID"


def stop(notice: str) -> None:
    """Switch trading off, and leave nothing to go on by itself. `notice` says what was noticed,
    without a full stop. Inside the caller's transaction, or one of its own."""
    reason = f"{notice}. {WHAT_TO_DO}"
    with transaction.atomic():
        columns = {"is_on": False, "reason": reason, "instance": settings.INSTANCE_ID}
        columns |= {"changed_at": timezone.now(), "changed_by": BY}
        TradingSwitch.objects.update_or_create(pk=TradingSwitch.PK, defaults=columns)
        for order in Order.objects.filter(state=State.QUEUED).order_by("pk"):
            _question(order)
        for versus in Versus.objects.open().order_by("pk"):
            _halt(versus)
        publish_note("switch")
    operations.critical("Trading stopped: %s", reason)


def _question(order: Order) -> None:
    """Its outcome is unknown, as if it had been sent when it was placed."""
    waits = timedelta(seconds=client().limits.trade_deadline)
    columns: dict[str, Any] = {"claimed_at": order.placed_at}
    columns["deadline"] = order.valid_until + waits
    try:
        with transaction.atomic():
            change(order, State.UNKNOWN, ORDER_MAY_BE_SENT, **columns)
    except IntegrityError:
        # Another order locks the account. As one that was claimed, it is still watched for a fill.
        change(order, State.EXPIRED, ORDER_WAITED, **columns)


def _halt(versus: Versus) -> None:
    row = Versus.objects.filter(pk=versus.pk).exclude(freeze_at=None, transfer_at=None)
    if row.update(freeze_at=None, transfer_at=None):
        changes.append(versus, UNSCHEDULED)
        publish_accounts([versus.login_a, versus.login_b])
        publish_versus(versus)
    if versus.state in ON_ITS_WAY:
        changes.change(versus, VersusState.DIVERGED, HALTED)
