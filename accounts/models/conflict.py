"""An account that an agent reports and that is not the agent's: shown until a person settles it."""

from django.db import models

from accounts.models.agent import Agent


class Conflict(models.Model):
    class Kind(models.TextChoices):
        TWO_AGENTS = "two-agents", "reported by two agents"
        OTHER_LOGIN = "other-login", "agent reports another login"
        OTHER_SERVER = "other-server", "agent reports another server"
        UNCLEAR = "unclear", "one of several accounts"
        UNEXPECTED = "unexpected", "more accounts than expected"

    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="conflicts")
    number = models.BigIntegerField("account", db_index=True)
    server = models.CharField(max_length=64, blank=True, help_text="empty: the agent reports none")
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
        account = f"account {self.number}" + (f" at {self.server}" if self.server else "")
        if self.kind == self.Kind.TWO_AGENTS:
            return f"{self.agent} also reports {account}, which belongs to another agent"
        if self.kind == self.Kind.OTHER_SERVER:
            return f"{self.agent} now reports {account}, another server than before"
        if self.kind == self.Kind.UNCLEAR:
            return f"{self.agent} reports {account}, a number that several accounts have"
        if self.kind == self.Kind.UNEXPECTED:
            return f"{self.agent} reports {account}, beyond the number expected: not added yet"
        return f"{self.agent} now reports {account} instead of its own"
