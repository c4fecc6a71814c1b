"""What staff can do with agents that are chosen in their list."""

from typing import cast

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from unfold.decorators import action

from accounts import approvals, conflicts, quotas
from accounts.admin.connection import Tested, try_connections
from accounts.live.publishing import publish_agents
from accounts.models import Agent
from accounts.wording import listed

TEST_MOST = 500
FAILURES_SHOWN = 5
SEEN = "seen_{}"  # with an agent's id: where the page that asks for confirmation shows it


class AgentActions:
    """For AgentAdmin."""

    actions = (
        *("test_connection", "poll_now", "enable", "disable"),
        *("switch_trading_on", "switch_trading_off", "reset_quotas"),
    )
    actions_submit_line = ("save_and_test",)

    @action(  # type: ignore[untyped-decorator]
        description="Save and test connection", permissions=["change"]
    )
    def save_and_test(self, request: HttpRequest, obj: Agent) -> None:
        self._tell_tested(request, try_connections([obj]))

    @admin.action(description="Test connection", permissions=["change"])
    def test_connection(self, request: HttpRequest, queryset: QuerySet[Agent]) -> None:
        agents = list(queryset[: TEST_MOST + 1])
        if len(agents) > TEST_MOST:
            text = f"Choose at most {TEST_MOST} agents to test at once."
            self._say(request, text, messages.ERROR)
            return
        self._tell_tested(request, try_connections(agents))

    def _tell_tested(self, request: HttpRequest, tested: list[Tested]) -> None:
        good = [one for one in tested if not one.code]
        bad = [one for one in tested if one.code]
        if len(good) == 1:
            self._say(request, f"{good[0].agent}: {good[0].sentence}", messages.SUCCESS)
        elif good:
            self._say(request, f"{len(good)} agents answered.", messages.SUCCESS)
        for one in bad[:FAILURES_SHOWN]:
            text = f"{one.agent} did not answer as it should ({one.code}): {one.sentence}"
            self._say(request, text, messages.ERROR)
        if len(bad) > FAILURES_SHOWN:
            text = f"{len(bad) - FAILURES_SHOWN} more agents failed."
            self._say(request, text, messages.ERROR)

    @admin.action(description="Poll now", permissions=["change"])
    def poll_now(self, request: HttpRequest, queryset: QuerySet[Agent]) -> None:
        ids = list(queryset.filter(enabled=True).values_list("pk", flat=True))
        off = list(queryset.filter(enabled=False).values_list("name", flat=True))
        Agent.objects.filter(pk__in=ids).update(next_poll_at=timezone.now())
        text = f"{_agents(len(ids))} will be polled within a second or two"
        text += f"; not enabled, and so not polled: {listed(off)}." if off else "."
        self._say(request, text, messages.SUCCESS if ids else messages.WARNING)

    @admin.action(description="Enable", permissions=["change"])
    def enable(self, request: HttpRequest, queryset: QuerySet[Agent]) -> None:
        self._switch(request, queryset, on=True)

    @admin.action(description="Disable", permissions=["change"])
    def disable(self, request: HttpRequest, queryset: QuerySet[Agent]) -> None:
        self._switch(request, queryset, on=False)

    def _switch(self, request: HttpRequest, queryset: QuerySet[Agent], *, on: bool) -> None:
        agents = list(queryset)
        changed = [agent for agent in agents if agent.enabled != on]
        with transaction.atomic():
            ids = [agent.pk for agent in changed]
            rows = Agent.objects.filter(pk__in=ids)
            rows.update(enabled=on, **({"next_poll_at": timezone.now()} if on else {}))
            for agent in changed:
                agent.enabled = on
            Agent.history.bulk_history_create(changed, update=True)
            if not on:
                conflicts.withdraw(ids)
            publish_agents(ids)
        what = "enabled" if on else "disabled"
        text = f"{_agents(len(changed))} {what}"
        if already := [agent.name for agent in agents if agent not in changed]:
            were = "was" if len(already) == 1 else "were"
            text += f"; {len(already)} {were} {what} already: {listed(already)}"
        self._say(request, f"{text}.", messages.SUCCESS if changed else messages.INFO)

    # --- trading ------------------------------------------------------------------------------
    def has_approve_permission(self, request: HttpRequest) -> bool:
        can_change = self.has_change_permission(request)  # type: ignore[attr-defined]
        return bool(can_change) and approvals.may_approve(request.user)

    @admin.action(description="Switch trading on …", permissions=["approve"])
    def switch_trading_on(
        self, request: HttpRequest, queryset: QuerySet[Agent]
    ) -> HttpResponse | None:
        """Shows where orders would go first; what has moved since it was shown stays off."""
        agents = list(queryset.filter(trading_enabled=False))
        if not agents:
            self._say(request, "Trading is on through all of them already.", messages.INFO)
            return None
        if "confirm" not in request.POST:
            return self._where_orders_would_go(request, agents)
        with transaction.atomic():
            seen = [one for one in agents if request.POST.get(SEEN.format(one.pk)) == _where(one)]
            on = approvals.switch_on(seen, cast(User, request.user))
            self._note_trading(on, on=True)
        if left := [agent.name for agent in agents if agent not in on]:
            text = f"Still off, because they moved since the page was shown: {listed(left)}."
            self._say(request, text, messages.ERROR)
        if on:
            text = f"Trading switched on through {_agents(len(on))}."
            self._say(request, text, messages.SUCCESS)
        return None

    def _where_orders_would_go(self, request: HttpRequest, agents: list[Agent]) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),  # type: ignore[attr-defined]
            "title": "Switch trading on",
            "opts": self.opts,  # type: ignore[attr-defined]
            "agents": agents,
            "table": {
                "headers": ["Agent", "URL", "Contract"],
                "rows": [[one.name, one.url, one.get_contract_display()] for one in agents],
            },
            "seen": [(SEEN.format(agent.pk), _where(agent)) for agent in agents],
            "checkbox": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "admin/accounts/agent/trading_on.html", context)

    @admin.action(description="Switch trading off", permissions=["change"])
    def switch_trading_off(self, request: HttpRequest, queryset: QuerySet[Agent]) -> None:
        with transaction.atomic():
            agents = list(queryset.filter(trading_enabled=True))
            Agent.objects.filter(pk__in=[one.pk for one in agents]).update(trading_enabled=False)
            self._note_trading(agents, on=False)
        text = f"Trading switched off through {_agents(len(agents))}."
        self._say(request, text, messages.SUCCESS if agents else messages.INFO)

    def _note_trading(self, agents: list[Agent], *, on: bool) -> None:
        for agent in agents:
            agent.trading_enabled = on
        Agent.history.bulk_history_create(agents, update=True)
        publish_agents([agent.pk for agent in agents])

    # --- quotas -------------------------------------------------------------------------------
    @admin.action(description="Reset quotas", permissions=["change"])
    def reset_quotas(self, request: HttpRequest, queryset: QuerySet[Agent]) -> None:
        ids = list(queryset.values_list("pk", flat=True))
        with transaction.atomic():
            quotas.reset(ids)
            Agent.objects.filter(pk__in=ids).update(etag="", next_poll_at=timezone.now())
        text = f"The quotas of {_agents(len(ids))} are full again."
        self._say(request, text, messages.SUCCESS)

    def _say(self, request: HttpRequest, text: str, level: int) -> None:
        self.message_user(request, text, level)  # type: ignore[attr-defined]


def _where(agent: Agent) -> str:
    return f"{agent.contract} {agent.url}"


def _agents(count: int) -> str:
    return f"{count} agent{'' if count == 1 else 's'}"
