"""Who let orders go to an agent, and where that agent was then."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from accounts.models.agent import Agent

SWITCHES_TRADING = "trading.stop_trading"
"""The permission that it takes to switch trading on, through one agent as through all."""


class TradingApproval(models.Model):
    """A person with SWITCHES_TRADING let orders go to this agent at this URL and API version.

    Rows are added and never changed. An order is sent only where one fits its agent, its URL and
    its version: the switch of the agent alone says that somebody wants trading, not where.
    """

    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="approvals")
    url = models.CharField(max_length=300)
    contract = models.CharField(max_length=1, choices=Agent.Contract.choices)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    username = models.CharField(
        max_length=150, help_text="or what approved it: no user has a name with spaces or brackets"
    )
    at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[models.Manager["TradingApproval"]]

    class Meta:
        ordering = ["-at", "-pk"]
        default_permissions = ()
        indexes = [models.Index(fields=["agent", "url"], name="approvals_of_an_agent")]

    def __str__(self) -> str:
        return f"{self.url} (API v{self.contract}), by {self.username} on {self.at:%Y-%m-%d %H:%M}"
