"""What people sort accounts by: phase, firm, VS group."""

from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from simple_history.models import HistoricalRecords

PERCENT: dict[str, Any] = {
    "max_digits": 5,
    "decimal_places": 2,
    "validators": [MinValueValidator(Decimal("0.01")), MaxValueValidator(Decimal(100))],
}


class Phase(models.Model):
    """A stage in the life of an account, such as F1, F2, R (real, funded) or Q (burned)."""

    class Color(models.TextChoices):
        SLATE = "slate"
        BLUE = "blue"
        TEAL = "teal"
        GREEN = "green"
        AMBER = "amber"
        RED = "red"
        VIOLET = "violet"
        PINK = "pink"

    name = models.CharField(max_length=16, unique=True)
    description = models.CharField(max_length=100, blank=True)
    color = models.CharField(max_length=16, choices=Color.choices, default=Color.SLATE)
    order = models.PositiveSmallIntegerField(default=0)
    is_default = models.BooleanField(
        default=False, help_text="New accounts start in this phase. One phase only."
    )
    is_retired = models.BooleanField(
        default=False, help_text="Accounts in this phase are polled rarely while they are flat."
    )
    history = HistoricalRecords()

    class Meta:
        ordering = ["order", "name"]
        # Without Django's own "change": `change_phase` is the permission to change the phase of an
        # account, and has_perm would take the one for the other.
        default_permissions = ("add", "delete", "view")
        permissions = [("edit_phases", "Can edit the list of phases")]
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"],
                condition=models.Q(is_default=True),
                name="one_default_phase",
                violation_error_message="Another phase is the default one; untick it there first.",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def default_id(cls) -> int | None:
        """The phase of new accounts: the one marked so, else the first."""
        return cls.objects.order_by("-is_default", "order").values_list("id", flat=True).first()


class Firm(models.Model):
    """A prop firm."""

    class OppositePositions(models.TextChoices):
        ALLOWED = "allowed"
        FORBIDDEN = "forbidden"
        UNKNOWN = "unknown"

    name = models.CharField(max_length=80, unique=True)
    max_drawdown_pct = models.DecimalField(
        "maximum drawdown, %",
        **PERCENT,
        null=True,
        blank=True,
        help_text="Of the initial balance. Applies to accounts that have no limit of their own.",
    )
    opposite_positions = models.CharField(
        "opposite positions across accounts",
        max_length=9,
        choices=OppositePositions.choices,
        default=OppositePositions.UNKNOWN,
        help_text="What its rules say of one account that buys what another one sells.",
    )
    rule_source = models.CharField(
        "source of that rule", max_length=300, blank=True, help_text="Address, or who said so."
    )
    rule_date = models.DateField("date of that rule", null=True, blank=True)
    note = models.TextField(blank=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """A rule is worth what its source is worth: without one it is not known."""
        known = self.opposite_positions != self.OppositePositions.UNKNOWN
        for field in ("rule_source", "rule_date") if known else ():
            if not getattr(self, field):
                raise ValidationError({field: "Say where the rule stands, and when it was read."})


class VSGroup(models.Model):
    """A named pair of accounts. The database holds it to two: each takes slot A or B."""

    name = models.CharField(max_length=40, unique=True)
    note = models.CharField(max_length=200, blank=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ["name"]
        verbose_name = "VS group"

    def __str__(self) -> str:
        return self.name

    def free_slot(self) -> str | None:
        """The slot that a further member would take; None when the pair is complete."""
        taken = set(self.members.values_list("vs_slot", flat=True))
        return next((slot for slot in ("A", "B") if slot not in taken), None)
