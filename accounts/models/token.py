"""A token that lets a program in as its user; of the token itself only a digest is kept."""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import Permission
from django.db import models
from django.utils import timezone

from accounts.models.proof import UNKNOWN, Generation, Proof, Proven

PREFIX = "mt5m_"
SHOWN = len(PREFIX) + 4
MOST_DAYS = 730
# What the API asks for; nothing else would mean anything to it.
SCOPES = models.Q(
    content_type__app_label="accounts", codename__in=["view_account", "view_agent"]
) | models.Q(
    codename__in=[
        "view_logs",
        "change_phase",
        "change_vs",
        "trade",
        "override_lock",
        "view_versus",
        "run_versus",
        "acknowledge_firm_rules",
        "sync_sheets",
    ]
)
WRONG_TOKEN = (
    "This token is wrong, has expired, was revoked, or ended when its user "  # noqa: S105
    "changed the password or signed out everywhere."
)
USED_EVERY = timedelta(minutes=1)  # how exactly the last use is kept


def scope_choices() -> list[tuple[str, str]]:
    """Return the permissions that a token can be limited to, and their names."""
    found = Permission.objects.filter(SCOPES).select_related("content_type")
    return [(f"{one.content_type.app_label}.{one.codename}", one.name) for one in found]


def lasting(days: int) -> datetime:
    """Return when a token that is made now and lasts so long ends."""
    return timezone.now() + timedelta(days=days)


def digest_of(key: str) -> str:
    """Of 256 random bits: nothing slower is needed to keep it from being guessed."""
    return hashlib.sha256(key.encode(errors="replace")).hexdigest()


def mark_of(auth_hash: str, digest: str) -> str:
    """Of one token and the password its user has, by `get_session_auth_hash`, which is keyed."""
    return hmac.new(auth_hash.encode(), digest.encode(), hashlib.sha256).hexdigest()


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def with_user(self) -> "ApiTokenQuerySet":
        """With all that `is_valid` looks at."""
        return self.select_related("user__generation")


class ApiToken(Proven):
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="api_tokens",
        help_text="in whose name its program acts",
    )
    name = models.CharField(max_length=80, help_text="what it is for")
    start = models.CharField(max_length=SHOWN, editable=False, help_text="to recognise it by")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    # It ends with the password that its user had when it was made, as sessions do.
    password_mark = models.CharField(max_length=64, editable=False)
    # Of its user's credentials when it was made: it ends with them.
    generation = models.PositiveIntegerField(default=0, db_default=0, editable=False)
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
        cls,
        user: Any,
        name: str,
        lasts: timedelta,
        scopes: list[str] | None = None,
        proof: Proof = UNKNOWN,
    ) -> tuple["ApiToken", str]:
        """Return the row, and the token itself, which is shown this once. `proof`: of its maker."""
        token = cls(user=user, name=name, scopes=scopes, expires_at=timezone.now() + lasts)
        key = token.cut(proof)
        token.save(force_insert=True)
        return token, key

    def cut(self, proof: Proof) -> str:
        """Make a key for its user as it is now, and return it; nothing is saved. What made it has
        proven as much as it does, and ends with it."""
        key = PREFIX + secrets.token_urlsafe(32)
        self.start, self.digest = key[:SHOWN], digest_of(key)
        self.password_mark = mark_of(self.user.get_session_auth_hash(), self.digest)
        self.proven_by, self.proven_at, self.factor = proof.kind, proof.at, proof.factor
        known = proof.generation
        self.generation = Generation.of(self.user) if known is None else known
        return key

    @property
    def proof(self) -> Proof:
        return Proof(self.proven_by, self.proven_at, self.factor, self.generation, self.pk)

    def is_valid(self, now: datetime) -> bool:
        lasts = self.revoked_at is None and now < self.expires_at
        ended = Generation.of(self.user) > self.generation
        return lasts and not ended and self.user.is_active and self._is_of_this_password()

    def _is_of_this_password(self) -> bool:
        user: Any = self.user
        # The others are by keys of the server that are on their way out.
        hashes = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
        marks = [mark_of(one, self.digest) for one in hashes]
        return any(hmac.compare_digest(self.password_mark, mark) for mark in marks)

    def allows(self, permission: str) -> bool:
        """Whether it reaches so far; whether its user does is another question."""
        return self.scopes is None or permission in self.scopes

    def revoke(self) -> bool:
        """Whether this call did it."""
        now = timezone.now()
        done = ApiToken.objects.filter(pk=self.pk, revoked_at=None).update(revoked_at=now)
        return bool(done)

    def was_used(self, now: datetime) -> bool:
        """Whether this call has noted it."""
        if self.used_at is not None and now - self.used_at <= USED_EVERY:
            return False
        return bool(ApiToken.objects.filter(pk=self.pk).update(used_at=now))
