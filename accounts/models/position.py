"""An open trade at the broker, as its agent last told. All columns are polled."""

from datetime import UTC, datetime
from typing import Any, ClassVar

from django.db import models

from accounts.models.account import Account
from accounts.models.money import MONEY, MoneyField

# As fine as any instrument, and what SQLite's 15 digits keep; see accounts/agents/fields.py.
PRICE: dict[str, Any] = {"max_digits": 24, "decimal_places": 12}
VOLUME: dict[str, Any] = {"max_digits": 18, "decimal_places": 8}

# What a reading says of a position, under the names of its columns.
POLLED = (
    "symbol",
    "side",
    "volume",
    "open_price",
    "current_price",
    "sl",
    "tp",
    "profit",
    "swap",
    "commission",
    "opened_at",
    "comment",
    "magic",
    "identifier",
)


class PositionQuerySet(models.QuerySet["Position"]):
    def named(self, number: int) -> "PositionQuerySet":
        """The one with this ticket or this identifier; see trading/positions.py."""
        return self.filter(models.Q(ticket=number) | models.Q(identifier=number))


class Position(models.Model):
    class Side(models.TextChoices):
        BUY = "BUY"
        SELL = "SELL"

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="positions")
    ticket = models.BigIntegerField()
    identifier = models.BigIntegerField(
        null=True, help_text="stays when the ticket changes; unknown with contract 1"
    )
    symbol = models.CharField(max_length=32)
    side = models.CharField(max_length=4, choices=Side.choices)
    volume = models.DecimalField(**VOLUME, help_text="lots")
    open_price = models.DecimalField(**PRICE)
    current_price = models.DecimalField(**PRICE)
    sl = models.DecimalField("stop-loss", **PRICE, null=True)
    tp = models.DecimalField("take-profit", **PRICE, null=True)
    profit = MoneyField(**MONEY)
    swap = MoneyField(**MONEY)
    commission = MoneyField(**MONEY, null=True)
    opened_at = models.DateTimeField(
        null=True, help_text="UTC; unknown when the agent tells local time only"
    )
    comment = models.CharField(max_length=64, blank=True)
    magic = models.BigIntegerField(null=True)
    movement = models.DecimalField(
        **PRICE, null=True, editable=False, help_text="of its price lately; see nearness"
    )

    objects: ClassVar[models.Manager["Position"]] = PositionQuerySet.as_manager()

    class Meta:
        ordering = ["ticket"]
        constraints = [
            models.UniqueConstraint(fields=["account", "ticket"], name="one_row_a_ticket")
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.volume.normalize():f} {self.symbol} #{self.ticket}"

    def age_key(self) -> tuple[bool, datetime, int]:
        """To sort by: the oldest first, those of unknown age last; where alike, by the number that
        it was opened under."""
        opened_at = self.opened_at or datetime.min.replace(tzinfo=UTC)
        return self.opened_at is None, opened_at, self.identifier or self.ticket
