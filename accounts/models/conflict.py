"""An account that an agent reports and that is not the agent's: shown until a person settles it."""

from django.db import models

from accounts.models.agent import Agent


class Conflict(models.Model):
    class Kind(models.TextChoices):
        TWO_AGENTS = "two-agents", "reported by two agents"
        OTHER_LOGIN = "other-login", "agent reports another login"

    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="conflicts")
    number = models.BigIntegerField("account", db_index=True)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    since = models.DateTimeField()

    class Meta:
        ordering = ["since"]
        constraints = [
            models.UniqueConstraint(fields=["agent", "number"], name="one_conflict_a_report")
        ]

    def __str__(self) -> str:
        return self.sentence

    @property
    def sentence(self) -> str:
        if self.kind == self.Kind.TWO_AGENTS:
            return (
                f"{self.agent} also reports account {self.number}, which belongs to another agent"
            )
        return f"{self.agent} now reports account {self.number} instead of its own"
