"""What an agent can still have us write: see accounts.quotas."""

from typing import ClassVar

from django.db import models

from accounts.models.agent import Agent


class AgentQuota(models.Model):
    """What is left of one quota of an agent; without a row, all of it."""

    class Kind(models.TextChoices):
        HISTORY = "history", "rows of history"
        POSITIONS = "positions", "new positions"
        NOTICES = "notices", "conflicts and changes of state"

    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="quotas")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    left = models.FloatField(help_text="rows, at that time")
    at = models.DateTimeField()

    objects: ClassVar[models.Manager["AgentQuota"]]

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["agent", "kind"], name="one_row_a_quota_of_an_agent")
        ]

    def __str__(self) -> str:
        return f"{self.agent_id}: {self.left:.0f} {self.get_kind_display()}"
