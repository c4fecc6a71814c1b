"""One look at the agents: what a query string asks for, and the agents that answer to it."""

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property

from django.db.models import Count, Q, QuerySet

from accounts.fleet.agent_columns import AGENTS
from accounts.fleet.listing import Listing
from accounts.fleet.states import DISABLED, NAMES, QUOTA, STATES
from accounts.models import Account, Agent, AgentQuerySet


class AgentList(Listing):
    filters = ("q", "state")
    columns = AGENTS
    default_sort = "name"

    def __init__(self, params: Mapping[str, str], now: datetime) -> None:
        self.now = now
        super().__init__(params)
        self.q, self.state = self.values.get("q", ""), self.values.get("state", "")

    def check(self) -> None:
        self.choose("state", [*STATES, QUOTA, DISABLED], "state", "all agents are shown")

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

    def count(self) -> int:
        return self.agents.count()

    def rows(self) -> QuerySet[Agent]:
        agents = self.agents.prefetch_related("accounts")
        return agents.order_by(*self.order, "pk")[self.page.slice]

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
        shown = counts.keys() | {self.state}
        return [
            (value, name, counts.get(value, 0)) for value, name in NAMES.items() if value in shown
        ]
