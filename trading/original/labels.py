"""Phases and VS groups of the original, of accounts that were reported and those that were not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from accounts.models import Account, Phase
from mt5monitor.text import clean
from trading.original.hands import Hands, names_of_groups
from trading.original.pairs import Members
from trading.original.plan import GroupEdit, PhaseEdit, Plan
from trading.original.report import Done, Kind, Report
from trading.original.strict import SHARED, SHOWN, Skip, login_of_key, quoted, words

GROUP_LENGTH = 40
DELETED = "it was taken before, and somebody deleted the account here since"


@dataclass
class Labels:
    """What the files say of each account, as far as it can be read; planned by `plan_labels`."""

    plan: Plan
    report: Report
    phases: dict[int, Phase] = field(default_factory=dict)
    groups: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        numbers = [*self.phases, *self.groups]
        rows = Account.objects.filter(number__in=numbers).select_related("phase", "vs_group")
        self.here = {account.number: account for account in rows}
        self.hands = Hands(numbers)

    def is_deleted(self, number: int) -> bool:
        return number not in self.here and self.hands.was_taken(number)


def plan_labels(
    phases: Mapping[str, Any], groups: Mapping[str, Any], plan: Plan, report: Report
) -> None:
    labels = Labels(plan, report, _phases(phases, report), _groups(groups, report))
    for number, phase in labels.phases.items():
        _plan_phase(labels, number, phase)
    _plan_groups(labels)
    for number in plan.accounts:
        why = "no agent has reported it yet; it is joined when one does"
        report.add(Kind.ACCOUNTS, number, Done.TAKEN, why)


# --- reading ------------------------------------------------------------------------------------
def _phases(told: Mapping[str, Any], report: Report) -> dict[int, Phase]:
    known = {_folded(phase.name): phase for phase in Phase.objects.all()}
    found = {}
    for number, value in _entries(told, Kind.PHASES, report):
        try:
            name = words(value, "The phase")
            if (phase := known.get(_folded(name))) is None:
                text = f"there is no phase {quoted(name)} here: add it in the admin, and run again"
                raise Skip(text)
            found[number] = phase
        except Skip as skip:
            report.add(Kind.PHASES, number, Done.SKIPPED, str(skip))
    return found


def _groups(told: Mapping[str, Any], report: Report) -> dict[int, str]:
    """Upper-cased, as the original held them."""
    found = {}
    for number, value in _entries(told, Kind.GROUPS, report):
        try:
            if name := words(value, "The VS group").upper():
                found[number] = _group_name(name)
        except Skip as skip:
            report.add(Kind.GROUPS, number, Done.SKIPPED, str(skip))
    return found


def _group_name(name: str) -> str:
    if len(name) > GROUP_LENGTH:
        raise Skip(f"{quoted(name)} has more than {GROUP_LENGTH} characters")
    if clean(name, GROUP_LENGTH) != name:
        raise Skip(f"{quoted(name)} holds characters that cannot be shown")
    return name


def _entries(told: Mapping[str, Any], of: Kind, report: Report) -> Iterator[tuple[int, Any]]:
    """(account number, value); of two keys that are one number the first counts."""
    seen, shared = set(), Account.objects.shared_numbers()
    for key, value in told.items():
        try:
            number = login_of_key(key)
            if number in shared:
                raise Skip(SHARED)
            if number in seen:
                raise Skip(f"account {number} stands twice in the file")
        except Skip as skip:
            report.add(of, clean(key, SHOWN) or "(empty)", Done.SKIPPED, str(skip))
            continue
        seen.add(number)
        yield number, value


def _folded(name: str) -> str:
    return "".join(name.split()).casefold()


# --- phases -------------------------------------------------------------------------------------
def _plan_phase(labels: Labels, number: int, phase: Phase) -> None:
    account, hand = labels.here.get(number), labels.hands.on_phase(number)
    done, why = Done.KEPT, f"it is in {phase} already"
    if labels.is_deleted(number):
        why = DELETED
    elif account is None:
        labels.plan.accounts[number] = Account(number=number, phase=phase)
        done, why = Done.TAKEN, str(phase)
    elif account.phase_id != phase.pk:
        if hand is not None and not hand.is_import:
            why = f"{account.phase}, as set here {hand.words}; the original says {phase}"
        else:
            labels.plan.phases.append(PhaseEdit(number, account.phase_id, phase))
            done, why = Done.CHANGED, f"{account.phase or 'no phase'} → {phase}"
    labels.report.add(Kind.PHASES, number, done, why)


# --- VS groups ----------------------------------------------------------------------------------
def _plan_groups(labels: Labels) -> None:
    names, members = names_of_groups(), Members()
    waiting = []
    for number, told in labels.groups.items():
        if kept := _kept_group(labels, number, told, names):
            labels.report.add(Kind.GROUPS, number, Done.KEPT, kept)
        else:
            waiting.append((number, members.name_of(told)))
    # One that leaves a pair makes room for another: all that can move does, in an order that can.
    while waiting:
        left = [one for one in waiting if not _join(labels, members, *one)]
        if len(left) == len(waiting):
            break
        waiting = left
    for number, name in waiting:
        others = " and ".join(map(str, members.of(name)))
        why = f"{name} has two members already: {others}"
        labels.report.add(Kind.GROUPS, number, Done.SKIPPED, why)


def _kept_group(labels: Labels, number: int, told: str, names: dict[int, set[str]]) -> str:
    """Why the account stays as it is; empty when it does not."""
    account, hand = labels.here.get(number), labels.hands.on_group(number)
    if account is None:
        return DELETED if labels.is_deleted(number) else ""
    group = account.vs_group
    if group is not None and group.name.casefold() == told.casefold():
        return f"it is in {group} already"
    if hand is not None and not hand.is_import:
        here = f"in {group}" if group else "in no group"
        return f"{here}, as set here {hand.words}; the original says {told}"
    if group is not None and told.casefold() in names.get(group.pk, ()):
        return f"in {group}, which is what {told} was renamed to"
    return ""


def _join(labels: Labels, members: Members, number: int, name: str) -> bool:
    """False when the pair is complete for now."""
    account = labels.here.get(number)
    before = account.vs_group if account else None
    if not members.move(number, name):
        return False
    if account is None and number not in labels.plan.accounts:
        labels.plan.accounts[number] = Account(number=number, phase_id=Phase.default_id())
    labels.plan.groups.append(GroupEdit(number, before.pk if before else None, name))
    done, why = (Done.CHANGED, f"{before} → {name}") if before else (Done.TAKEN, name)
    labels.report.add(Kind.GROUPS, number, done, why)
    return True
