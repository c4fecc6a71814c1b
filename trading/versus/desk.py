"""What people do with a versus: create, schedule, run, cancel, close both.

Pages, admin and API call these. Each raises PermissionDenied without the permission, and NotNow
with the sentences that say why nothing was done.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from accounts.live.publishing import publish_accounts
from accounts.models import Account
from accounts.signin import mfa_required, proofs
from trading import commission, readback
from trading.events import publish_versus
from trading.models import StandingAcknowledgement, Versus
from trading.models.standing import ACKNOWLEDGE
from trading.permits import UNPROVEN
from trading.versus.changes import append, change
from trading.versus.check import Check
from trading.versus.checks import failures, in_another
from trading.versus.driver import drive
from trading.versus.states import ALLOWED, State
from trading.versus.timeline import ACCEPTED


class NotNow(Exception):
    """Nothing was sent. `checks` did not pass; `may_acknowledge` when none of them blocks."""

    def __init__(self, checks: Iterable[Check]) -> None:
        self.checks = list(checks)
        super().__init__(" ".join(check.sentence for check in self.checks))

    @property
    def may_acknowledge(self) -> bool:
        return not any(check.blocks for check in self.checks)


class Unproven(PermissionDenied):
    """The permission is there, and no second factor that stands."""


def create(
    versus: Versus,
    user: User,
    acknowledged: Collection[str] = (),
    standing: StandingAcknowledgement | None = None,
) -> Versus:
    """Stores a new one. `acknowledged`: the warnings that were shown and accepted, word by word;
    one that is not among them is shown first. `standing` accepts them all, for programs."""
    may_run(user)
    now = timezone.now()
    found = failures(versus, user, now)
    _accepted(found, user, acknowledged, standing)
    versus.login_a, versus.login_b = versus.account_a.number, versus.account_b.number
    versus.created_by = versus.runner = user
    versus.creator = versus.runner_name = user.get_username()
    versus.created_at = versus.since = now
    given = _acknowledgement(versus, found, user, standing) | proofs.of(user).columns
    for name, value in given.items():
        setattr(versus, name, value)
    try:
        with transaction.atomic():
            _alone(versus)
            versus.save(force_insert=True)
            text = (
                f"Created: {versus.lots.normalize():f} lots, A keeps the {versus.side_a.lower()}."
            )
            data = versus.acknowledged if standing is None else None
            append(versus, text, state=State.PENDING, actor=versus.creator, data=data)
            _record(versus, found, standing)
            # No page of versus shows its accounts yet, so those would not learn of it otherwise.
            publish_accounts([versus.login_a, versus.login_b], added=True)
            publish_versus(versus)
    except IntegrityError as error:
        raise NotNow([Check("One of these accounts is part of another versus by now.")]) from error
    return versus


def _alone(versus: Versus) -> None:
    """Raises NotNow. Of two that are made at once with an account of both, the second waits here
    for the first, and sees it."""
    accounts = [versus.account_a, versus.account_b]
    rows = Account.objects.filter(pk__in=[one.pk for one in accounts]).order_by("pk")
    list(rows.select_for_update().values_list("pk"))
    if taken := [check for account in accounts for check in in_another(versus, account)]:
        raise NotNow(taken)


def _accepted(
    found: list[Check],
    user: User,
    acknowledged: Collection[str],
    standing: StandingAcknowledgement | None,
) -> None:
    if any(check.blocks for check in found):
        raise NotNow(found)
    if standing is not None and standing.holds(timezone.now()):
        return
    if any(check.sentence not in acknowledged for check in found):
        raise NotNow(found)
    if found and not user.has_perm(ACKNOWLEDGE):
        raise PermissionDenied("You may not acknowledge these warnings.")


def _acknowledgement(
    versus: Versus, accepted: list[Check], user: User, standing: StandingAcknowledgement | None
) -> dict[str, Any]:
    """The columns that keep it; each one is kept in the timeline as well."""
    if not accepted:
        return {}
    return {
        "acknowledged": [*versus.acknowledged, *(check.sentence for check in accepted)],
        "acknowledged_by": user if standing is None else standing.given_by,
        "acknowledged_at": timezone.now(),
        "acknowledger": user.get_username() if standing is None else standing.giver,
    }


def _record(
    versus: Versus, accepted: list[Check], standing: StandingAcknowledgement | None
) -> None:
    """What was accepted beforehand stands in the timeline under the name of who did so."""
    if standing is not None and accepted:
        text = f"Accepted beforehand for this program by {standing.giver}: {standing.reason}"
        sentences = [check.sentence for check in accepted]
        append(versus, text, step=ACCEPTED, actor=standing.giver, data=sentences)


def freeze(
    versus: Versus,
    user: User,
    acknowledged: Collection[str] = (),
    standing: StandingAcknowledgement | None = None,
) -> Versus:
    """Congelar, and as far as it goes now. `acknowledged` and `standing` as in `create`."""
    return _run(versus, user, State.PENDING, State.FREEZING, acknowledged, standing)


def transfer(
    versus: Versus,
    user: User,
    acknowledged: Collection[str] = (),
    standing: StandingAcknowledgement | None = None,
) -> Versus:
    """Transferir, and as far as it goes now. `acknowledged` and `standing` as in `create`."""
    return _run(versus, user, State.FROZEN, State.TRANSFERRING, acknowledged, standing)


def _run(
    versus: Versus,
    user: User,
    before: State,
    to: State,
    acknowledged: Collection[str],
    standing: StandingAcknowledgement | None,
) -> Versus:
    may_run(user)
    if versus.state != before:
        raise NotNow([Check(f"It is {versus.get_state_display()} by now.")])
    new = [
        check
        for check in failures(versus, user, timezone.now())
        if check.blocks or check.sentence not in versus.acknowledged
    ]
    _accepted(new, user, acknowledged, standing)
    name, freezes = user.get_username(), to == State.FREEZING
    columns: dict[str, Any] = {"freeze_at": None} if freezes else {"transfer_at": None}
    columns |= _commission(versus, "a" if freezes else "b")
    columns |= _acknowledgement(versus, new, user, standing) | proofs.of(user).columns
    begun = change(
        versus,
        to,
        f"Begun by {name}.",
        # Not at a time that somebody has put off, or taken away, while the agents were asked.
        only=Q(freeze_at=versus.freeze_at, transfer_at=versus.transfer_at),
        actor=name,
        data=([check.sentence for check in new] or None) if standing is None else None,
        run=versus.run + 1,
        runner=user,
        runner_name=name,
        failed_step="",
        **columns,
    )
    if not begun:
        raise NotNow([Check("It was changed by somebody else meanwhile. Look at it again.")])
    _record(versus, new, standing)
    _drive(versus)
    versus.refresh_from_db()
    return versus


def _drive(versus: Versus) -> None:
    """For somebody who waits: the legs are in the rows of their accounts when it returns."""
    began = timezone.now()
    drive(versus)
    readback.show(versus.orders.filter(ended_at__gte=began))


def _commission(versus: Versus, role: str) -> dict[str, Any]:
    """Of the account that opens legs now: known before the first, so that none waits for it."""
    account, symbol = getattr(versus, f"account_{role}"), getattr(versus, f"symbol_{role}")
    return {f"commission_{role}": commission.per_lot(account, symbol)}


def cancel(versus: Versus, user: User) -> bool:
    """One that was not begun yet."""
    may_run(user)
    if versus.state != State.PENDING:
        return False
    return change(versus, State.CANCELLED, "Cancelled before it began.", actor=user.get_username())


def close_both(versus: Versus, user: User, reason: str) -> bool:
    """Every leg that is open, on both accounts; tried until it is done."""
    may_run(user)
    if State.CLOSING not in ALLOWED[State(versus.state)]:
        return False
    name = user.get_username()
    columns: dict[str, Any] = {"run": versus.run + 1, "runner": user, "runner_name": name}
    columns |= proofs.of(user).columns
    begun = change(
        versus,
        State.CLOSING,
        reason.strip() or f"Closed by {name}.",
        actor=name,
        freeze_at=None,
        transfer_at=None,
        **columns,
    )
    if begun:
        _drive(versus)
    return begun


def take_over(versus: Versus, user: User) -> bool:
    """Whoever set it going may not run versus any more, so none of its orders leaves: from here on
    they are sent by the permission of `user`."""
    may_run(user)
    if not versus.is_orphaned:
        return False
    name = user.get_username()
    row = Versus.objects.filter(pk=versus.pk, state=versus.state, runner=versus.runner_id)
    with transaction.atomic():
        columns = proofs.of(user).columns
        if not row.update(runner=user, runner_name=name, retry_at=None, **columns):
            return False
        append(versus, f"Taken over from {versus.runner_name}.", actor=name)
        publish_accounts([versus.login_a, versus.login_b])
        publish_versus(versus)
    _drive(versus)
    return True


def schedule(
    versus: Versus, user: User, freeze_at: datetime | None, transfer_at: datetime | None
) -> bool:
    """Sets both times anew; from here on whoever scheduled is who runs it. Raises NotNow for a time
    that has passed, or a step that was taken already."""
    may_run(user)
    now, name = timezone.now(), user.get_username()
    if any(at is not None and at <= now for at in (freeze_at, transfer_at)):
        raise NotNow([Check("A time in the past cannot be scheduled.")])
    if freeze_at is not None and versus.state != State.PENDING:
        raise NotNow([Check("It was begun already: only its transfer can be scheduled.")])
    if versus.state not in (State.PENDING, State.FREEZING, State.FROZEN):
        raise NotNow([Check(f"It is {versus.get_state_display()}: nothing is left to schedule.")])
    if freeze_at and transfer_at and transfer_at <= freeze_at:
        raise NotNow([Check("It is frozen first and transferred later.")])
    with transaction.atomic():
        row = Versus.objects.filter(pk=versus.pk, state=versus.state, run=versus.run)
        columns = {"freeze_at": freeze_at, "transfer_at": transfer_at, **proofs.of(user).columns}
        if not row.update(**columns, runner=user, runner_name=name):
            return False
        told = [f"{word} at {at:%Y-%m-%d %H:%M:%S} UTC" for word, at in
                (("frozen", freeze_at), ("transferred", transfer_at)) if at]  # fmt: skip
        append(versus, f"To be {' and '.join(told)}." if told else "Not scheduled.", actor=name)
        publish_accounts([versus.login_a, versus.login_b])
        publish_versus(versus)
    return True


def may_run(user: User) -> None:
    """Raise PermissionDenied for a user who cannot run versus, and Unproven for one who acts
    without a second factor that stands, where one is needed."""
    if not user.has_perm("trading.run_versus"):
        raise PermissionDenied("You may not run versus.")
    if mfa_required.is_unproven(user):
        raise Unproven(UNPROVEN)
