"""How whoever made a row was proven: recorded by sessions, tokens, orders, and what runs later."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.db import models


class ProvenBy(models.TextChoices):
    """The second factors have the names of Authenticator.Type."""

    UNKNOWN = "unknown", "not recorded"
    NONE = "none", "nothing: made by another user"
    PASSWORD = "password", "the password alone"  # noqa: S105 - no password
    APP = "totp", "an authenticator app"
    RECOVERY_CODE = "recovery_codes", "a recovery code"
    PASSKEY = "webauthn", "a passkey"


@dataclass(frozen=True, slots=True)
class Proof:
    """`at`: aware, when it was shown. `factor`: id of the second factor that was shown, None
    without one. `generation`: of the user's credentials then; None where that is unknown, and of
    what goes on when they end. `token`: id of the token that a program showed."""

    kind: str = ProvenBy.UNKNOWN
    at: datetime | None = None
    factor: int | None = None
    generation: int | None = None
    token: int | None = None

    @property
    def columns(self) -> dict[str, Any]:
        """Of a Proven row."""
        return {"proven_by": self.kind, "proven_at": self.at, "factor": self.factor}

    @property
    def credential_columns(self) -> dict[str, Any]:
        """Of a Proven row that ends with what placed it."""
        return self.columns | {"generation": self.generation, "token_id": self.token}


UNKNOWN = Proof()


class Proven(models.Model):
    """Its maker was proven like this, at that moment; whether that still counts is asked later."""

    proven_by = models.CharField(
        "made with",
        max_length=16,
        choices=ProvenBy.choices,
        default=ProvenBy.UNKNOWN,
        db_default=ProvenBy.UNKNOWN.value,
        editable=False,
    )
    proven_at = models.DateTimeField(null=True, editable=False)
    # No foreign key: the record stays when the factor is removed, and its id is never used again.
    factor = models.BigIntegerField(
        null=True, editable=False, help_text="id of the second factor that was shown"
    )

    class Meta:
        abstract = True

    @property
    def proof(self) -> Proof:
        return Proof(self.proven_by, self.proven_at, self.factor)


class Generation(models.Model):
    """How often everything that signs this user in was ended; without a row, never."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        primary_key=True,
        on_delete=models.CASCADE,
        related_name="generation",
    )
    number = models.PositiveIntegerField(default=0)

    objects: ClassVar[models.Manager["Generation"]]

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.user}: {self.number}"

    @classmethod
    def of(cls, user: Any) -> int:
        """Return the number; no query where `user` was read with `select_related("generation")`."""
        try:
            row: Generation = user.generation
        except cls.DoesNotExist:
            return 0
        return row.number
