"""What staff change: phase, firm, VS group. The one door for pages, admin and commands.

Each function writes its own columns only, keeps the change in the history with its user (taken
from the request by simple-history), and shows it to every open page after commit.
"""

import logging
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.utils import timezone
from simple_history.models import HistoricalRecords

from accounts.changes import lock_rows
from accounts.live.publishing import publish_accounts
from accounts.models import Account, Firm, Phase, VSGroup
from mt5monitor.text import clean

operations = logging.getLogger("operations")

LAST_PLACE = 32_767  # the largest that Phase.order holds on PostgreSQL


def set_phase(accounts: Iterable[Account], phase: Phase) -> int:
    """Returns how many accounts changed; those already in the phase are left alone."""
    return _set_label(accounts, "phase", phase)


def new_phase(name: str) -> Phase:
    """Return the phase of that name, made as the last of the list when there is none.

    Raise ValidationError for a name that a phase cannot have.
    """
    field: Any = Phase._meta.get_field("name")
    name = clean(name, field.max_length + 1)
    field.clean(name, None)
    last = Phase.objects.order_by("-order").values_list("order", flat=True).first() or 0
    place = min(last + 1, LAST_PLACE)
    phase, made = Phase.objects.get_or_create(name=name, defaults={"order": place})
    if made:
        operations.info("New phase %s, made through the API", phase)
    return phase


def set_firm(accounts: Iterable[Account], firm: Firm | None) -> int:
    """Returns how many accounts changed."""
    return _set_label(accounts, "firm", firm)


def _set_label(accounts: Iterable[Account], field: str, value: models.Model | None) -> int:
    pk = value.pk if value else None
    changed = [account for account in accounts if getattr(account, f"{field}_id") != pk]
    now = timezone.now()
    for account in changed:
        setattr(account, field, value)
        account.edited_at = now
    with transaction.atomic():
        if changed:
            pks = [account.pk for account in changed]
            lock_rows(Account, pks)
            Account.objects.filter(pk__in=pks).update(**{field: value, "edited_at": now})
            Account.history.bulk_history_create(changed, update=True)
        publish_accounts([account.number for account in changed])
    for account in changed:
        _tell(account, f"{field} {value or 'none'}")
    return len(changed)


def set_vs_group(account: Account, name: str) -> bool:
    """Puts the account into the VS group of that name, made when new; "" takes it out. A group
    that is there is found in upper or lower case: two members who spell it apart are one pair.

    Returns whether anything changed. Raises ValidationError when the pair is already complete.
    """
    name = _as_it_is_spelt(" ".join(name.split()))
    if name == (account.vs_group.name if account.vs_group else ""):
        return False
    if len(name) > 40:
        raise ValidationError("The name of a VS group has 40 characters at most.")
    if clean(name, 40) != name:
        raise ValidationError("The name of a VS group holds characters that cannot be shown.")
    try:
        with transaction.atomic():
            # Locked, so that of several who join at once each sees the slots that are still free.
            groups = VSGroup.objects.select_for_update()
            group = groups.get_or_create(name=name)[0] if name else None
            _join(account, group)
    except IntegrityError as error:
        # Somebody else took the slot between our look and our write: the database decides.
        raise ValidationError(
            f"VS group {name} was completed by somebody else just now."
        ) from error
    _tell(account, f"VS group {name or 'none'}")
    return True


def _as_it_is_spelt(name: str) -> str:
    alike = list(VSGroup.objects.filter(name__iexact=name).values_list("name", flat=True)[:2])
    return alike[0] if len(alike) == 1 else name


def _tell(account: Account, what: str) -> None:
    request = getattr(HistoricalRecords.context, "request", None)
    who = request.user.get_username() if request is not None else "a command"
    told = {"account": account.number}
    operations.info("Account %s: %s now, by %s", account.title, what, who, extra=told)


def pair(first: Account, second: Account) -> VSGroup:
    """Makes a new VS group of two accounts that have none. Raises ValidationError."""
    if first.pk == second.pk:
        raise ValidationError("A VS group needs two different accounts.")
    with transaction.atomic():
        # As they are now, and stay until we are done: two people may want the same account. Without
        # their groups: joined to a locked row, PostgreSQL knows no group younger than the wait.
        rows = Account.objects.select_for_update().filter(pk__in=[first.pk, second.pk])
        found = {row.pk: row for row in rows.order_by("pk")}
        if len(found) < 2:
            raise ValidationError("One of the two accounts is not here any more.")
        for account in found.values():
            if account.vs_group_id is not None:
                raise ValidationError(f"Account {account.title} is in VS group {account.vs_group}.")
        group = _new_group()
        _join(found[first.pk], group)
        _join(found[second.pk], group)
    return group


def _new_group() -> VSGroup:
    while True:
        try:
            with transaction.atomic():
                return VSGroup.objects.create(name=_free_name())
        except IntegrityError:
            continue  # somebody took that name just now; it is seen as taken the next time


def _free_name() -> str:
    taken = set(VSGroup.objects.filter(name__startswith="VS").values_list("name", flat=True))
    return next(name for n in range(1, len(taken) + 2) if (name := f"VS{n}") not in taken)


def _join(account: Account, group: VSGroup | None) -> None:
    left = account.vs_group
    slot = group.free_slot() if group else ""
    if group is not None and slot is None:
        members = ", ".join(member.title for member in group.members.order_by("vs_slot"))
        raise ValidationError(f"VS group {group} already has two members: {members}.")
    account.vs_group, account.vs_slot, account.edited_at = group, slot or "", timezone.now()
    account.save(update_fields=["vs_group", "vs_slot", "edited_at"])
    groups = [pk for pk in (left and left.pk, group and group.pk) if pk]
    numbers = Account.objects.filter(vs_group__in=groups).values_list("number", flat=True)
    publish_accounts({account.number, *numbers})
