"""A token that lets a program in as its user; of the token itself only a digest is kept."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

PREFIX = "mt5m_"
SHOWN = len(PREFIX) + 4
USED_EVERY = timedelta(minutes=1)  # how exactly the last use is kept


def digest_of(key: str) -> str:
    """Of 256 random bits: nothing slower is needed to keep it from being guessed."""
    return hashlib.sha256(key.encode(errors="replace")).hexdigest()


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def valid(self, now: datetime) -> "ApiTokenQuerySet":
        return self.filter(revoked_at=None, expires_at__gt=now, user__is_active=True)


class ApiToken(models.Model):
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="api_tokens",
        help_text="in whose name its program acts",
    )
    name = models.CharField(max_length=80, help_text="what it is for")
    start = models.CharField(max_length=SHOWN, editable=False, help_text="to recognise it by")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    # Never more than its user may; empty: all of that.
    scopes = models.JSONField(null=True, blank=True, help_text="permissions that it is limited to")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, editable=False)
    used_at = models.DateTimeField(null=True, editable=False, help_text="to the minute")

    objects: ClassVar[models.Manager["ApiToken"]] = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        verbose_name = "API token"
        verbose_name_plural = "API tokens"

    def __str__(self) -> str:
        return f"{self.start}… {self.name}"

    @classmethod
    def issue(
        cls, user: Any, name: str, lasts: timedelta, scopes: list[str] | None = None
    ) -> tuple["ApiToken", str]:
        """The row, and the token itself: it is told this once."""
        key = cls.new_key()
        token = cls.objects.create(
            user=user,
            name=name,
            start=key[:SHOWN],
            digest=digest_of(key),
            scopes=scopes,
            expires_at=timezone.now() + lasts,
        )
        return token, key

    @staticmethod
    def new_key() -> str:
        return PREFIX + secrets.token_urlsafe(32)

    def is_valid(self, now: datetime) -> bool:
        return self.revoked_at is None and now < self.expires_at and self.user.is_active

    def allows(self, permission: str) -> bool:
        """Whether it reaches so far; whether its user does is another question."""
        return self.scopes is None or permission in self.scopes

    def revoke(self) -> bool:
        """Whether this call did it."""
        now = timezone.now()
        done = ApiToken.objects.filter(pk=self.pk, revoked_at=None).update(revoked_at=now)
        return bool(done)

    def was_used(self, now: datetime) -> None:
        if self.used_at is None or now - self.used_at > USED_EVERY:
            ApiToken.objects.filter(pk=self.pk).update(used_at=now)
