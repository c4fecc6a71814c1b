"""Versus of the original: those that wait become rows here, never armed; live ones stay theirs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from accounts.models import Account
from trading.models import Versus, VersusEvent
from trading.original.entries import LIVE, PENDING, Entry, fitting
from trading.original.plan import NewVersus, Plan
from trading.original.report import Done, Kind, Report
from trading.original.stops import stops_of
from trading.original.strict import SHARED, Skip, Stopped, quoted

STEP, ID = "import", "original"  # of the event that remembers where one came from
PERMISSION = "trading.run_versus"


@dataclass
class Desk:
    """What the entries are judged by; `busy`: why an account may not be part of another versus."""

    plan: Plan
    report: Report
    taken: dict[str, Versus]
    accounts: dict[int, Account] = field(default_factory=dict)
    busy: dict[int, str] = field(default_factory=dict)


def taken_before() -> dict[str, Versus]:
    """By their id in the original."""
    events = VersusEvent.objects.filter(step=STEP).select_related("versus")
    return {event.data[ID]: event.versus for event in events if isinstance(event.data, dict)}


def plan_versus(told: Mapping[str, Any], user: User | None, plan: Plan, report: Report) -> None:
    """Asks agents where stops are in pips. Raises Stopped when nobody is named to run them."""
    desk = Desk(plan, report, taken_before())
    entries = [entry for key, value in told.items() if (entry := _entry(key, value, desk))]
    desk.accounts = _accounts(entries, plan)
    desk.busy = _busy(entries)
    ended = 0
    for entry in entries:
        if entry.status == PENDING:
            _plan_pending(entry, user, desk)
        elif entry.status in LIVE:
            _leave_live(entry, desk)
        elif entry.key in desk.taken:
            _keep(entry, desk)
        else:
            ended += 1
            if entry.has_tickets and entry.status == "error":
                legs = f"{entry.legs}: look whether any of these is still open"
                report.alarm(f"Versus {entry.key} failed in the original, with {legs}.")
    report.add(Kind.VERSUS, "completed or failed", Done.SKIPPED, "history of the original", ended)


def check_runner(user: User | None) -> User:
    """Raises Stopped."""
    if user is None:
        text = "Versus that wait need somebody here by whose permission they are run later"
        raise Stopped(f"{text}: name the user with --user NAME. Nothing is run by this import.")
    if not user.has_perm(PERMISSION):
        raise Stopped(f"{user.get_username()} has no permission {PERMISSION}, which --user needs.")
    return user


def _entry(key: str, value: Any, desk: Desk) -> Entry | None:
    entry = Entry(key, value)
    try:
        entry.check()
        if entry.status == PENDING and entry.has_tickets:
            raise Skip("it has tickets although it waits")
    except Skip as skip:
        desk.report.add(Kind.VERSUS, quoted(key)[1:-1], Done.SKIPPED, str(skip))
        if entry.has_tickets:
            text = f"Versus {quoted(key)} cannot be understood, and has legs: {entry.legs}"
            desk.report.alarm(f"{text}. Settle it in the original before you switch.")
        return None
    return entry


def _accounts(entries: list[Entry], plan: Plan) -> dict[int, Account]:
    """Those that are here, and those that are made by the same import."""
    told = [entry.told.get(f"account_{role}") for entry in entries for role in "ab"]
    numbers = {number for number in told if type(number) is int and 0 < number <= 10**15}
    rows = Account.objects.filter(number__in=numbers).select_related("agent")
    return {account.number: account for account in rows} | plan.accounts


def _busy(entries: list[Entry]) -> dict[int, str]:
    busy = {}
    for entry in entries:
        if entry.status in LIVE:
            for role in "ab":
                number = entry.told.get(f"account_{role}")
                if type(number) is int:
                    busy[number] = f"has live legs of versus {entry.key} in the original"
    for versus in Versus.objects.open():
        for number in (versus.login_a, versus.login_b):
            busy[number] = f"is part of versus {versus.code} here"
    return busy


# --- those that wait ----------------------------------------------------------------------------
def _plan_pending(entry: Entry, user: User | None, desk: Desk) -> None:
    if entry.key in desk.taken:
        _keep(entry, desk)
        return
    try:
        versus, told = _versus(entry, desk)
    except Skip as skip:
        desk.report.add(Kind.VERSUS, entry.key, Done.SKIPPED, f"{skip}; {entry.words}")
        return
    _give_to(versus, check_runner(user))
    for number in entry.numbers:
        desk.busy[number] = f"is part of versus {entry.key} of the same file"
    if entry.schedule:
        told.append(f"was scheduled to {entry.schedule}: schedule it anew")
    text = "; ".join(told)
    desk.plan.versus.append(NewVersus(entry.key, versus, text))
    a, b = entry.numbers
    what = f"waits, not armed: {versus.lots:f} lots {versus.symbol_a}, {a} keeps the"
    why = f"{what} {versus.side_a}, {b} the other side{entry.created}"
    desk.report.add(Kind.VERSUS, entry.key, Done.TAKEN, "; ".join([why, *told]))


def _versus(entry: Entry, desk: Desk) -> tuple[Versus, list[str]]:
    """(one that is not stored, what there is to say of it). Raises Skip."""
    a, b = (_account(number, desk) for number in entry.numbers)
    versus = Versus(
        account_a=a,
        account_b=b,
        login_a=a.number,
        login_b=b.number,
        symbol_a=entry.symbol,
        symbol_b=entry.symbol,
        lots=entry.lots,
        side_a=entry.side,
        zone=timezone.get_default_timezone_name(),
    )
    stops = stops_of(entry.told, versus)
    for column, money in stops.money.items():
        setattr(versus, column, None if money is None else fitting(column, money))
    return versus, stops.told


def _account(number: int, desk: Desk) -> Account:
    account = desk.accounts.get(number)
    if account is not None and account.shares_number:
        raise Skip(f"account {number}: {SHARED}")
    if account is None:
        text = f"account {number} is not known here: have its agent polled (refresh_accounts)"
        raise Skip(f"{text}, and run again")
    if why := desk.busy.get(number):
        raise Skip(f"account {number} {why}")
    return account


def _give_to(versus: Versus, user: User) -> None:
    versus.created_by = versus.runner = user
    versus.creator = versus.runner_name = user.get_username()


# --- the others ---------------------------------------------------------------------------------
def _keep(entry: Entry, desk: Desk) -> None:
    versus = desk.taken[entry.key]
    why = f"taken before; here it is {versus.code}, {versus.get_state_display()}"
    desk.report.add(Kind.VERSUS, entry.key, Done.KEPT, why)


def _leave_live(entry: Entry, desk: Desk) -> None:
    why = f"{entry.status} in the original: its legs are not ours to take over"
    desk.report.add(Kind.VERSUS, entry.key, Done.SKIPPED, why)
    text = f"Versus {entry.key} is {entry.status}, with live legs on {entry.legs}"
    desk.report.alarm(f"{text}: close them or finish them in the original before you switch.")
    versus = desk.taken.get(entry.key)
    if versus is not None and not versus.is_ended:
        text = f"Versus {entry.key} was taken before as {versus.code} and runs in the original now"
        desk.report.alarm(f"{text}: cancel {versus.code} here.")
