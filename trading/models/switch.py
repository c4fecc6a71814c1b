"""The switch that stops all trading at once; part of every claim."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from mt5monitor.hosts import known


class TradingSwitch(models.Model):
    """One row. It counts only for the instance that it was switched on for: a database that was
    restored or copied elsewhere starts with trading off."""

    is_on = models.BooleanField("trading is on", default=False)
    instance = models.CharField(max_length=200, blank=True, editable=False)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_by = models.CharField(max_length=150, blank=True, editable=False)
    reason = models.CharField(max_length=300, blank=True)

    PK = 1
    IS_ON, IS_OFF = "Trading is on", "Trading is off"

    objects: ClassVar[models.Manager["TradingSwitch"]]

    class Meta:
        verbose_name_plural = "trading switch"
        default_permissions = ("view",)
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="one_switch")]

    def __str__(self) -> str:
        return self.IS_ON if self.is_on else self.IS_OFF

    @classmethod
    def on(cls) -> "models.QuerySet[TradingSwitch]":
        """The row, if it lets orders through here and now."""
        here = cls.objects.filter(pk=cls.PK, is_on=True, instance=settings.INSTANCE_ID)
        return here.filter(*known.conditions())
