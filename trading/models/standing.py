"""Warnings about versus that a person accepted beforehand, for programs that cannot ask."""

from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from accounts.models import ApiToken
from accounts.models.proof import Proven
from accounts.signin import proofs

ACKNOWLEDGE = "trading.acknowledge_firm_rules"


class StandingQuerySet(models.QuerySet["StandingAcknowledgement"]):
    def given_to(self, user: Any, token: ApiToken | None) -> "StandingQuerySet":
        """Those for all programs of `user`, and those for this token alone."""
        for_all = models.Q(token=None)
        return self.filter(for_all if token is None else for_all | models.Q(token=token), user=user)


class StandingAcknowledgement(Proven):
    """Every warning that a person could accept is accepted for versus of this user's programs.

    It counts only while whoever gave it may still acknowledge such warnings, and has the second
    factor still that was shown to give it, where the desk requires one. Never changed: another
    one is given, so that what was accepted, by whom and until when stays known.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="standing_acknowledgements",
        help_text="whose programs it is for",
    )
    token = models.ForeignKey(
        ApiToken,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="standing_acknowledgements",
        help_text="Only for the program with this token of that user. Empty: all its programs.",
    )
    reason = models.CharField(
        max_length=300, help_text="Why these warnings are accepted: an agreement, a firm's rule."
    )
    given_at = models.DateTimeField(default=timezone.now, editable=False)
    given_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    giver = models.CharField("given by", max_length=150, editable=False)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, editable=False)

    objects: ClassVar[models.Manager["StandingAcknowledgement"]] = StandingQuerySet.as_manager()

    class Meta:
        ordering = ["-given_at", "-pk"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        program = f"token {self.token}" if self.token else "all programs"
        return f"{self.user}, {program}: given by {self.giver}"

    def holds(self, now: datetime) -> bool:
        """Return whether it counts at `now` (aware)."""
        giver: Any = self.given_by
        if self.revoked_at is not None or now >= self.expires_at or giver is None:
            return False
        if settings.MFA_REQUIRED and not proofs.stands(giver.pk, self.proof):
            return False
        return bool(giver.is_active and giver.has_perm(ACKNOWLEDGE))

    def revoke(self) -> bool:
        """Return whether this call revoked it."""
        row = StandingAcknowledgement.objects.filter(pk=self.pk, revoked_at=None)
        return bool(row.update(revoked_at=timezone.now()))


def standing_for(
    user: Any, token: ApiToken | None, now: datetime
) -> StandingAcknowledgement | None:
    """Return the one that counts for a program of `user` with `token`, that of the token first."""
    given = StandingAcknowledgement.objects.given_to(user, token).select_related("given_by")
    ranked = sorted(given, key=lambda one: one.token_id is None)
    return next((one for one in ranked if one.holds(now)), None)
