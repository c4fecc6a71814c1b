"""Agents as a set: who is due, who can be reached, who reached a quota."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models

from mt5monitor.clock import CLOCKS_DIFFER

if TYPE_CHECKING:
    from accounts.models.agent import Agent  # noqa: F401, of the type below

WAITS_MOST = timedelta(minutes=2)  # beyond its interval: for a reconnect, or while it backs off
QUOTA_ALARM = timedelta(hours=1)  # how long an agent shows that it reached a quota


class AgentQuerySet(models.QuerySet["Agent"]):
    def due(self, now: datetime) -> "AgentQuerySet":
        """Also those that would wait for longer than any may: the clock was set back since."""
        ahead = now + CLOCKS_DIFFER
        set_back = models.Q(next_poll_at__gt=ahead, polled_at__gt=ahead)
        backs_off = timedelta(seconds=settings.BACKOFF_MOST_S) + CLOCKS_DIFFER
        latest = now + max(WAITS_MOST, backs_off)
        of_its_own = models.ExpressionWrapper(
            models.Value(latest) + models.F("interval"), output_field=models.DateTimeField()
        )
        # By the first of the two few are left, for which the second has to be worked out.
        set_back |= models.Q(next_poll_at__gt=latest) & models.Q(next_poll_at__gt=of_its_own)
        return self.filter(models.Q(next_poll_at__lte=now) | set_back, enabled=True)

    @staticmethod
    def is_at_quota(now: datetime) -> models.Q:
        """Those that show an alarm: see quota_alarm."""
        return models.Q(quota_at__gt=now - QUOTA_ALARM, enabled=True)

    def quota_reached(self, now: datetime) -> "AgentQuerySet":
        return self.filter(self.is_at_quota(now))

    def reachable(self) -> "AgentQuerySet":
        """Those polled by the quick queue; one failure alone does not send an agent away."""
        return self.filter(failures__lt=settings.FAILURES_BEFORE_RECOVERY)

    def unreachable(self) -> "AgentQuerySet":
        return self.filter(failures__gte=settings.FAILURES_BEFORE_RECOVERY)
