"""Turning all trading off and on; the switch itself is a row, and part of every claim."""

import logging
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import AbstractUser, AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from accounts.live.publishing import publish_note
from trading.models import TradingSwitch
from trading.permits import refusal_of_the_switch

REASON_LENGTH = 300
operations = logging.getLogger("operations")


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether orders may leave; `why_not` is empty when they may."""

    why_not: str

    @property
    def is_on(self) -> bool:
        return not self.why_not

    @property
    def sentence(self) -> str:
        """Whether it is on, without the full stop."""
        return TradingSwitch.IS_ON if self.is_on else TradingSwitch.IS_OFF

    @property
    def label(self) -> str:
        return "Trading on" if self.is_on else "Trading off"


def standing() -> Standing:
    return Standing(refusal_of_the_switch())


def shown_to(user: AbstractUser | AnonymousUser) -> dict[str, Any]:
    """For _switch.html; without a standing for those who neither trade nor may stop it."""
    may_stop = user.has_perm("trading.stop_trading")
    shown = may_stop or user.has_perm("trading.trade")
    return {"standing": standing() if shown else None, "may_stop": may_stop}


def turn(user: AbstractUser, *, on: bool, reason: str) -> TradingSwitch:
    """Switches for everybody at once, and keeps who did and why. Raises PermissionDenied, and
    ValueError without a reason to switch on; to stop, none is asked for."""
    if not user.has_perm("trading.stop_trading"):
        raise PermissionDenied("You do not have permission to switch trading off or on.")
    reason = " ".join(reason.split())[:REASON_LENGTH]
    if on and not reason:
        raise ValueError("Enter a reason for resuming trading.")
    columns = {"is_on": on, "reason": reason, "instance": settings.INSTANCE_ID}
    columns |= {"changed_at": timezone.now(), "changed_by": user.get_username()}
    with transaction.atomic():
        switch, _ = TradingSwitch.objects.update_or_create(pk=TradingSwitch.PK, defaults=columns)
        told = f"Trading switched {'on' if on else 'off'}{f': {reason}' if reason else ''}"
        LogEntry.objects.log_actions(user.pk, [switch], CHANGE, told, single_object=True)
        publish_note("switch")
    operations.warning("%s, by %s", told, user.get_username())
    return switch
