"""Versus that have ended, off the lists and back: nothing is deleted, and each stays readable."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from trading.events import publish_versus
from trading.models import Versus
from trading.versus.changes import append
from trading.versus.desk import may_run
from trading.versus.states import ENDED


def archive(versus: Versus, user: User) -> bool:
    """Take one that has ended off the lists; it stays readable under its code. Return whether this
    call did it."""
    return _put(versus, user, timezone.now(), "Archived.")


def restore(versus: Versus, user: User) -> bool:
    """Put an archived one back on the lists. Return whether this call did it."""
    return _put(versus, user, None, "Back from the archive.")


def _put(versus: Versus, user: User, archived_at: datetime | None, text: str) -> bool:
    may_run(user)
    row = Versus.objects.filter(pk=versus.pk, state__in=ENDED)
    with transaction.atomic():
        row = row.filter(archived_at__isnull=archived_at is not None)
        if not row.update(archived_at=archived_at):
            return False
        append(versus, text, actor=user.get_username())
        publish_versus(versus)
    versus.archived_at = archived_at
    return True
