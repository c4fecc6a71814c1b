"""One look at the fleet: what a query string asks for, and the accounts that answer to it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Final
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Exists, ExpressionWrapper, F, OuterRef, Q, Value
from django.db.models.expressions import Combinable, OrderBy
from django.db.models.functions import Cast, Coalesce, Length, NullIf
from django.db.models.lookups import Exact

from accounts.fleet.paging import Page
from accounts.fleet.totals import Totals
from accounts.models import Account, AccountQuerySet, Agent, Conflict
from accounts.models.figures import FLOAT
from mt5monitor.text import clean

ANY, NONE = "*", "-"  # of a label: whichever there is; accounts that have none
SEARCH_LENGTH = 100
WORDS_AT_MOST = 6
DEFAULT_SORT = "number"

SORTS: Final[Mapping[str, tuple[str, ...]]] = {
    "number": ("number",),
    "name": ("name",),
    "holder": ("holder",),
    "firm": ("firm__name",),
    "phase": ("phase__order", "phase__name"),
    # VS2 before VS10, and the pair side by side whichever way it is sorted.
    "vs": ("vs_name_length", "vs_group__name"),
    "balance": ("balance",),
    "equity": ("equity",),
    "floating": ("floating",),
    "pl": ("pl",),
    "pl_pct": ("pl_pct",),
    "used": ("drawdown_used_pct",),
    "left": ("drawdown_left_money",),
    "days": ("days_operating",),
    "open": ("open_positions",),
    "agent": ("agent__display_name", "agent__name"),
    "state": ("agent__status", "connected"),
    "age": ("agent__last_seen_at",),
}
COLUMNS: Final[Mapping[str, str]] = {
    "number": "Account",
    "name": "Name",
    "holder": "Holder",
    "firm": "Firm",
    "phase": "Phase",
    "vs": "VS group",
    "balance": "Balance",
    "equity": "Equity",
    "floating": "Floating",
    "pl": "P/L",
    "pl_pct": "P/L %",
    "used": "Drawdown used",
    "left": "Drawdown left",
    "days": "Days operating",
    "open": "Open positions",
    "agent": "Agent",
    "state": "State",
    "age": "Age",
}
# Text columns hold "" where there is nothing to show; that goes last like NULL does elsewhere.
BLANKS: Final = ("name", "holder")

STATES: Final[Mapping[str, str]] = {
    "fresh": "Fresh",
    "stale": "Stale",
    Agent.Status.ONLINE: "Online",
    Agent.Status.OFFLINE: "Offline",
    Agent.Status.TIMEOUT: "Timeout",
    Agent.Status.ERROR: "Error",
    Agent.Status.DISCONNECTED: "Disconnected",
    Agent.Status.UNKNOWN: "Not polled yet",
    "disabled": "Not enabled",
}
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


def _drawdown_left() -> Combinable:
    """The rule of Account.drawdown_left, good enough to sort by."""
    pct = Cast(Coalesce("max_drawdown_pct", "firm__max_drawdown_pct"), FLOAT)
    unused = Value(100.0) - F("drawdown_used_pct")
    left = Cast(F("initial_balance"), FLOAT) * pct * unused / Value(10_000.0)
    return ExpressionWrapper(left, output_field=FLOAT)


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
    if value in ("fresh", "stale"):
        return Q(is_fresh=value == "fresh")
    if value == "disabled":
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
NAMES: Final = {"state": "agent state", "open": "filter for open positions", "near": "limit"}


@dataclass
class Fleet:
    """`params` is the query of a URL, from anybody: what it cannot mean is left out and said in
    `problems`."""

    params: Mapping[str, str]
    now: datetime
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.values = {name: value for name in RULES if (value := self._value(name))}
        self.sort = self._sort()

    def _value(self, name: str) -> str:
        value = clean(self.params.get(name, ""), SEARCH_LENGTH)
        allowed = CHOICES.get(name)
        if value and allowed is not None and value not in allowed:
            self.problems.append(f"There is no {NAMES[name]} “{value}”; all accounts are shown.")
            return ""
        return value

    def _sort(self) -> str:
        sort = clean(self.params.get("sort", ""), SEARCH_LENGTH)
        if not sort or sort.removeprefix("-") in SORTS:
            return sort or DEFAULT_SORT
        self.problems.append(f"There is no column “{sort}” to sort by; sorted by number.")
        return DEFAULT_SORT

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

    @cached_property
    def page(self) -> Page:
        return Page.asked(self.params.get("page", ""), self.totals.count, self.problems)

    def rows(self) -> AccountQuerySet:
        """The accounts of this page, in order, with all that a row shows."""
        return self.ordered[self.page.slice]

    @property
    def ordered(self) -> AccountQuerySet:
        """As rows(), of all pages."""
        accounts = flagged(self.accounts.for_rows()).annotate(
            vs_name_length=Length("vs_group__name"), drawdown_left_money=_drawdown_left()
        )
        return accounts.order_by(*self._order())

    def _order(self) -> Iterator[OrderBy]:
        name, down = self.sort.removeprefix("-"), self.sort.startswith("-")
        if name == "age":  # the youngest figure was seen last
            down = not down
        for key in SORTS[name]:
            value = NullIf(F(key), Value("")) if key in BLANKS else F(key)
            yield OrderBy(value, descending=down, nulls_last=True)
        if name == "vs":
            yield OrderBy(F("vs_slot"))
        yield OrderBy(F("number"))
        yield OrderBy(F("pk"))

    # --- the URL ------------------------------------------------------------------------------
    def query(self, **changes: str) -> str:
        """The query string of this look with `changes`; a page is kept only when it is given."""
        values = {**self.values, "sort": self.sort, **changes}
        if values["sort"] == DEFAULT_SORT:
            del values["sort"]
        return "?" + urlencode({name: value for name, value in values.items() if value})

    @property
    def is_filtered(self) -> bool:
        return bool(self.values)
