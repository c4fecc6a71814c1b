"""The journal: every step of every order, appended and never changed."""

from typing import ClassVar

from django.db import models

from trading.models.order import Order


class OrderEvent(models.Model):
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="events")
    at = models.DateTimeField()
    state = models.CharField(max_length=20, help_text="from here on; empty: as it was")
    text = models.CharField(max_length=500, help_text="in plain words")
    actor = models.CharField(max_length=150, blank=True, help_text="user; empty: the monitor")
    data = models.JSONField(null=True, help_text="the answer as received, or the evidence")

    objects: ClassVar[models.Manager["OrderEvent"]]

    class Meta:
        ordering = ["at", "pk"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.at:%H:%M:%S} {self.state} {self.text}"
