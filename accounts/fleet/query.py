"""One look at the fleet: what a query string asks for, and the accounts that answer to it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property
from typing import Final

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.lookups import Exact

from accounts.exports.table import Table
from accounts.fleet.column import in_file
from accounts.fleet.columns import FLEET
from accounts.fleet.listing import Listing
from accounts.fleet.states import DISABLED, FRESH, NAMES, QUOTA, STALE
from accounts.fleet.totals import Totals
from accounts.models import Account, AccountQuerySet, Agent, Conflict

ANY, NONE = "*", "-"  # of a label: whichever there is; accounts that have none
WORDS_AT_MOST = 6

STATES: Final = {value: name for value, name in NAMES.items() if value != QUOTA}
OPEN: Final[Mapping[str, str]] = {"yes": "Some open", "no": "None open", "unknown": "Unknown"}
NEAR: Final[Mapping[str, str]] = {"1": "Near a limit"}

Rule = Callable[[str, datetime], Q]


def flagged(accounts: AccountQuerySet) -> AccountQuerySet:
    """Adds in_conflict: another agent reports the account, or its own reports another login."""
    may_be_it = Q(server__in=["", OuterRef("server")]) | Exact(OuterRef("server"), Value(""))
    moved = (Conflict.Kind.OTHER_LOGIN, Conflict.Kind.OTHER_SERVER)
    disputed = Q(number=OuterRef("number")) & may_be_it
    own = Q(kind__in=moved, agent=OuterRef("agent_id"))
    return accounts.annotate(in_conflict=Exists(Conflict.objects.filter(disputed | own)))


def _search(text: str, now: datetime) -> Q:
    """Every word somewhere in the number, holder, firm, name, server or agent of the account."""
    rule = Q()
    for word in text.split()[:WORDS_AT_MOST]:
        rule &= (
            Q(number__contains=word)
            | Q(holder__icontains=word)
            | Q(name__icontains=word)
            | Q(firm__name__icontains=word)
            | Q(server__icontains=word)
            | Q(agent__name__icontains=word)
            | Q(agent__display_name__icontains=word)
        )
    return rule


def _label(relation: str) -> Rule:
    def rule(value: str, now: datetime) -> Q:
        if value in (ANY, NONE):
            return Q(**{f"{relation}__isnull": value == NONE})
        return Q(**{f"{relation}__name": value})

    return rule


def _state(value: str, now: datetime) -> Q:
    """What a row shows as the state of its account, in SQL."""
    if value in (FRESH, STALE):
        return Q(is_fresh=value == FRESH)
    if value == DISABLED:
        return Q(agent__enabled=False)
    rule = Q(agent__enabled=True, agent__status=value)
    if value == Agent.Status.UNKNOWN:
        return Q(agent=None) | rule
    lost = Q(agent__enabled=True, agent__status=Agent.Status.ONLINE, connected=False)
    if value == Agent.Status.DISCONNECTED:
        return rule | lost
    return rule & ~Q(connected=False) if value == Agent.Status.ONLINE else rule


def _open(value: str, now: datetime) -> Q:
    if value == "unknown":
        return Q(open_positions=None)
    return Q(open_positions__gt=0) if value == "yes" else Q(open_positions=0)


def _near(value: str, now: datetime) -> Q:
    return Q(drawdown_used_pct__gte=settings.NEAR_LIMIT * 100)


RULES: Final[Mapping[str, Rule]] = {
    "q": _search,
    "phase": _label("phase"),
    "firm": _label("firm"),
    "state": _state,
    "open": _open,
    "vs": _label("vs_group"),
    "near": _near,
}
CHOICES: Final[Mapping[str, Mapping[str, str]]] = {"state": STATES, "open": OPEN, "near": NEAR}
WHAT: Final = {"state": "agent state", "open": "filter for open positions", "near": "limit"}


class Fleet(Listing):
    filters = tuple(RULES)
    columns = FLEET
    default_sort = "number"

    def __init__(self, params: Mapping[str, str], now: datetime) -> None:
        self.now = now
        super().__init__(params)

    def check(self) -> None:
        for name, choices in CHOICES.items():
            self.choose(name, choices, WHAT[name], "all accounts are shown")

    # --- the accounts -------------------------------------------------------------------------
    @cached_property
    def accounts(self) -> AccountQuerySet:
        """All that match, on every page, unordered."""
        accounts = Account.objects.with_figures(self.now).order_by()
        for name, value in self.values.items():
            accounts = accounts.filter(RULES[name](value, self.now))
        return accounts

    @cached_property
    def totals(self) -> Totals:
        return Totals.of(self.accounts, self.now)

    def count(self) -> int:
        return self.totals.count

    def rows(self) -> AccountQuerySet:
        """The accounts of this page, in order, with all that a row shows."""
        return self.ordered[self.page.slice]

    @property
    def ordered(self) -> AccountQuerySet:
        """As rows(), of all pages."""
        return flagged(self.accounts.for_rows()).order_by(*self.order, "number", "pk")


def fleet_table(look: Fleet) -> Table[Account]:
    """The fleet as files hold it: what the page shows, unformatted, and what stands behind that."""
    return Table("fleet", in_file(FLEET, look.now), look.ordered)
