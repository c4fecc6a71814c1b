"""One look at the agents: what a query string asks for, and the agents that answer to it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Final
from urllib.parse import urlencode

from django.db.models import Count, F, Q, QuerySet
from django.db.models.expressions import OrderBy

from accounts.fleet.paging import Page
from accounts.fleet.rows import STATES
from accounts.models import Account, Agent, AgentQuerySet
from mt5monitor.text import clean

SEARCH_LENGTH = 100
DEFAULT_SORT = "name"
DISABLED = "disabled"
QUOTA = "quota"  # no state of its own: those of any state that reached a quota within the hour

SORTS: Final[Mapping[str, tuple[str, ...]]] = {
    "name": ("name",),
    "contract": ("contract", "name"),
    "state": ("status", "name"),
    "since": ("status_since",),
    "failures": ("failures",),
    "error": ("status_code",),
    "age": ("last_seen_at",),
    "next": ("next_poll_at",),
}
# The least time ago comes first, which is the latest moment.
LATEST_FIRST: Final = ("since", "age")


@dataclass
class AgentList:
    """As Fleet is to accounts; `problems` tells what the query could not mean."""

    params: Mapping[str, str]
    now: datetime
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.q = clean(self.params.get("q", ""), SEARCH_LENGTH)
        self.state = self._one_of("state", [*STATES, QUOTA, DISABLED], "", "all agents are shown")
        ways = [way for name in SORTS for way in (name, f"-{name}")]
        self.sort = self._one_of("sort", ways, DEFAULT_SORT, "sorted by name")

    def _one_of(self, name: str, allowed: list[str], default: str, instead: str) -> str:
        value = clean(self.params.get(name, ""), SEARCH_LENGTH)
        if value and value not in allowed:
            self.problems.append(f"There is no {name} “{value}”; {instead}.")
            return default
        return value or default

    @cached_property
    def agents(self) -> QuerySet[Agent]:
        agents = Agent.objects.order_by()
        if self.state == DISABLED:
            agents = agents.filter(enabled=False)
        elif self.state == QUOTA:
            agents = agents.quota_reached(self.now)
        elif self.state:
            agents = agents.filter(status=self.state, enabled=True)
        if self.q:
            agents = agents.filter(self._search())
        return agents

    def _search(self) -> Q:
        named = Q(name__icontains=self.q) | Q(display_name__icontains=self.q)
        found = named | Q(url__icontains=self.q) | Q(status_reason__icontains=self.q)
        owners = Account.objects.filter(number__contains=self.q).values("agent")
        return found | Q(pk__in=owners)

    @cached_property
    def page(self) -> Page:
        return Page.asked(self.params.get("page", ""), self.agents.count(), self.problems)

    def rows(self) -> QuerySet[Agent]:
        ordered = self.agents.prefetch_related("accounts").order_by(*self._order())
        return ordered[self.page.slice]

    def _order(self) -> Iterator[OrderBy]:
        name, down = self.sort.removeprefix("-"), self.sort.startswith("-")
        if name in LATEST_FIRST:
            down = not down
        for key in SORTS[name]:
            yield OrderBy(F(key), descending=down, nulls_last=True)
        yield OrderBy(F("pk"))

    @cached_property
    def states(self) -> list[tuple[str, str, int]]:
        """(value, name, how many) of each state that agents are in, and of the selected one."""
        reached = Count("pk", filter=AgentQuerySet.is_at_quota(self.now))
        groups = Agent.objects.order_by().values("status", "enabled")
        counted = list(groups.annotate(n=Count("pk"), reached=reached))
        counts: dict[str, int] = {}
        for group in counted:
            state = group["status"] if group["enabled"] else DISABLED
            counts[state] = counts.get(state, 0) + group["n"]
        counts[QUOTA] = sum(group["reached"] for group in counted)
        counts = {state: count for state, count in counts.items() if count}
        names = {str(value): name for value, name in STATES.items()}
        names |= {QUOTA: "Quota reached", DISABLED: "Not enabled"}
        shown = counts.keys() | {self.state}
        return [
            (value, name, counts.get(value, 0)) for value, name in names.items() if value in shown
        ]

    @property
    def is_filtered(self) -> bool:
        return bool(self.q or self.state)

    def query(self, **changes: str) -> str:
        """The query string of this look with `changes`; a page is kept only when it is given."""
        values = {"q": self.q, "state": self.state, "sort": self.sort, **changes}
        if values["sort"] == DEFAULT_SORT:
            del values["sort"]
        return "?" + urlencode({name: value for name, value in values.items() if value})
