"""An open trade at the broker, as its agent last told. All columns are polled."""

from typing import Any

from django.db import models

from accounts.models.account import MONEY, Account

PRICE: dict[str, Any] = {"max_digits": 20, "decimal_places": 8}

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
)


class Position(models.Model):
    class Side(models.TextChoices):
        BUY = "BUY"
        SELL = "SELL"

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="positions")
    ticket = models.BigIntegerField()
    symbol = models.CharField(max_length=32)
    side = models.CharField(max_length=4, choices=Side.choices)
    volume = models.DecimalField(max_digits=14, decimal_places=4, help_text="lots")
    open_price = models.DecimalField(**PRICE)
    current_price = models.DecimalField(**PRICE)
    sl = models.DecimalField("stop-loss", **PRICE, null=True)
    tp = models.DecimalField("take-profit", **PRICE, null=True)
    profit = models.DecimalField(**MONEY)
    swap = models.DecimalField(**MONEY)
    commission = models.DecimalField(**MONEY, null=True)
    opened_at = models.DateTimeField(
        null=True, help_text="UTC; unknown when the agent tells local time only"
    )
    comment = models.CharField(max_length=64, blank=True)
    magic = models.BigIntegerField(null=True)
    movement = models.DecimalField(
        **PRICE, null=True, editable=False, help_text="of its price lately; see nearness"
    )

    class Meta:
        ordering = ["ticket"]
        constraints = [
            models.UniqueConstraint(fields=["account", "ticket"], name="one_row_a_ticket")
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.volume.normalize():f} {self.symbol} #{self.ticket}"
