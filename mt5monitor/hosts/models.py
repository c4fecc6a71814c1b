"""The hosts that use this database."""

from datetime import timedelta
from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

# A host writes each minute. One that has missed two is taken to have stopped.
LIVE = timedelta(seconds=150)
FORGOTTEN = timedelta(days=365)


class HostQuerySet(models.QuerySet["Host"]):
    def live(self) -> "HostQuerySet":
        """Return those that wrote within LIVE, by the database's own clock."""
        return self.filter(seen_at__gt=Now() - LIVE)

    def forgotten(self) -> "HostQuerySet":
        return self.filter(seen_at__lt=Now() - FORGOTTEN)


class Host(models.Model):
    """One STATE_DIR. `number` advances together with the mark in that folder; None: the folder's
    is taken over next time, whatever it is. `database` is where this database was then, see
    place.py; empty: unknown. `keys` are fingerprints, by name of the setting, newest first."""

    id = models.CharField(primary_key=True, max_length=32)
    name = models.CharField(max_length=255)
    number = models.PositiveBigIntegerField(null=True)
    database = models.CharField(max_length=120, blank=True)
    keys = models.JSONField(default=dict)
    seen_at = models.DateTimeField()

    objects: ClassVar[models.Manager["Host"]] = HostQuerySet.as_manager()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.name
