"""Who signed in, when and from where; and the devices that people signed in on.

Both are kept by user, each kind within a bound of its own: however many strangers are refused, the
sign-ins of a user stay in the record.
"""

import hashlib
from datetime import timedelta
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import F
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts.models.token import mark_of

KEPT = 200  # rows of one user, or of all unknown names, of those that signed in or were refused
DEVICES = 20  # of one user
KNOWN_FOR = timedelta(days=90)


def auth_hashes(user: Any) -> list[str]:
    """The keyed hashes of this user's password; those after the first are by keys of the server
    that are on their way out."""
    return [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]


def _is_marked(mark: str, user: Any, what: str) -> bool:
    return any(constant_time_compare(mark, mark_of(one, what)) for one in auth_hashes(user))


class How(models.TextChoices):
    PASSWORD = "password", "password"
    CODE = "code", "password and code"
    PASSKEY = "passkey", "password and passkey"
    TOKEN = "token", "for an API token"
    CONFIRM = "confirm", "to confirm a change"


class SignIn(models.Model):
    """All sign-ins of one kind that a user made from one network on one day (UTC)."""

    # None: refused, under a name that no user has.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="sign_ins"
    )
    was_refused = models.BooleanField()
    how = models.CharField(max_length=10, choices=How.choices)
    network = models.CharField(max_length=64)
    day = models.DateField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    count = models.PositiveIntegerField(default=1)
    # Of the password that was shown; empty: signed out everywhere since.
    mark = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["-last_at", "-pk"]
        verbose_name = "sign-in"
        verbose_name_plural = "sign-ins"
        default_permissions = ("view",)
        indexes = [models.Index(fields=["user", "was_refused", "-last_at"], name="sign_ins_of")]

    def __str__(self) -> str:
        return f"{self.user or 'an unknown name'} from {self.network}"

    @classmethod
    def note(cls, user: Any, how: str, network: str, *, was_refused: bool = False) -> None:
        """Add one to the record; `user` None is a name that no user has."""
        now = timezone.now()
        key = {"user": user, "was_refused": was_refused, "how": how, "network": network}
        key["day"] = now.date()
        mark = "" if was_refused or user is None else mark_of(auth_hashes(user)[0], network)
        rows = cls.objects.filter(**key)
        if rows.update(count=F("count") + 1, last_at=now, mark=mark):
            return
        cls.objects.create(**key, first_at=now, last_at=now, mark=mark)
        of_this_kind = cls.objects.filter(user=user, was_refused=was_refused)
        _keep_newest(of_this_kind, KEPT)

    @classmethod
    def knows(cls, name: str, network: str) -> bool:
        """Return whether the user of this name signed in from there before, with the password of
        now. Takes the same query for a name that no user has."""
        rows = cls.objects.filter(user__username=name, network=network, was_refused=False)
        rows = rows.filter(last_at__gte=timezone.now() - KNOWN_FOR).exclude(mark="")
        return any(_is_marked(row.mark, row.user, network) for row in rows.select_related("user"))


class KnownDevice(models.Model):
    """A browser that a user has signed in with; of its cookie only a digest is kept."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="known_devices"
    )
    digest = models.CharField(max_length=64, unique=True)
    mark = models.CharField(max_length=64)
    last_at = models.DateTimeField()

    class Meta:
        ordering = ["-last_at", "-pk"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"a device of {self.user}"

    @staticmethod
    def digest_of(key: str) -> str:
        return hashlib.sha256(key.encode(errors="replace")).hexdigest()

    @classmethod
    def note(cls, user: Any, key: str) -> Self:
        digest = cls.digest_of(key)
        mark = mark_of(auth_hashes(user)[0], digest)
        row = cls.objects.create(user=user, digest=digest, mark=mark, last_at=timezone.now())
        _keep_newest(cls.objects.filter(user=user), DEVICES)
        return row

    def is_of_this_password(self) -> bool:
        return _is_marked(self.mark, self.user, self.digest)


def _keep_newest(rows: Any, most: int) -> None:
    """Delete all but the newest of these rows."""
    old = list(rows.order_by("-last_at", "-pk").values_list("pk", flat=True)[most:])
    rows.filter(pk__in=old).delete()
