"""Agents in the admin: where they are, how they are spoken to, whether they are polled."""

from functools import partial
from typing import Any, ClassVar, cast

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action

from accounts import approvals, conflicts
from accounts.admin.account_columns import reason_text, state_label
from accounts.admin.agent_actions import AgentActions
from accounts.admin.agent_forms import AgentForm
from accounts.admin.agent_import import import_page
from accounts.admin.history import EditAdmin
from accounts.fleet import formatting
from accounts.fleet.states import STATES
from accounts.live.publishing import publish_accounts, publish_agents
from accounts.models import Account, Agent, Conflict
from accounts.models.agent import AWAITS_ORDERS
from accounts.signin.step_up import StepUpAdmin

AFTER_SAVING = "accounts_after_saving"  # attribute of a request
CLEARED = (
    "The URL or the contract changed, so the secret was cleared: enter the secret of the new agent."
)
TRADING_STOPPED = (
    "The URL, the contract or the secret changed, so trading through this agent is off. A "
    "person who can switch trading off and on has to switch it on again."
)
STATUS = (
    "state",
    "status_code",
    "status_since",
    "last_seen_at",
    "polled_at",
    "next_poll_at",
    "interval",
    "urgency",
    "interval_reason",
    "stale_after",
    "failures",
    "recovered_at",
)


@admin.register(Agent)
class AgentAdmin(StepUpAdmin, AgentActions, EditAdmin):
    form = AgentForm
    list_display = (
        "called",
        "url",
        "speaks",
        "polled",
        "trades",
        "state",
        "since",
        "seen",
        "failures",
        "numbers",
    )
    list_filter = (
        ("status", ChoicesDropdownFilter),
        ("contract", ChoicesDropdownFilter),
        "enabled",
        "trading_enabled",
    )
    list_fullwidth = True
    search_fields = ("name", "display_name", "url", "accounts__number")
    search_help_text = "Name, URL or account number"
    empty_says = "Add one here, or import a list with the button above."
    readonly_fields = ("secret_state", "approval", *STATUS)
    step_up_actions = ("switch_trading_on",)
    fieldsets = (
        (None, {"fields": ("name", "display_name", "url", "enabled", "fixed_interval_s")}),
        (
            "Contract",
            {
                "fields": (
                    *("contract", "server", "secret_state", "secret"),
                    *("trading_enabled", "approval"),
                )
            },
        ),
        (
            "Its accounts",
            {
                "fields": (
                    *("expected_accounts", "account_holder"),
                    *("prop_firm", "initial_balance"),
                ),
                "description": "Holder, firm and balance are used where the account that this "
                "agent reports has none.",
            },
        ),
        ("As last polled", {"fields": STATUS}),
    )
    actions_list: ClassVar = ["import_agents"]

    # --- columns ------------------------------------------------------------------------------
    # In words: a red cross would make a state that is quite in order look like an alarm.
    @admin.display(description="name", ordering="name")
    def called(self, agent: Agent) -> str:
        if not agent.display_name:
            return agent.name
        return format_html(
            '{}<span class="reason" title="{}">{}</span>',
            agent.name,
            agent.display_name,
            agent.display_name,
        )

    @admin.display(description="contract", ordering="contract")
    def speaks(self, agent: Agent) -> str:
        return agent.contract

    @admin.display(description="enabled", ordering="enabled")
    def polled(self, agent: Agent) -> str:
        return "yes" if agent.enabled else "no"

    @admin.display(description="trading", ordering="trading_enabled")
    def trades(self, agent: Agent) -> str:
        return "yes" if agent.trading_enabled else "no"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Agent]:
        agents: QuerySet[Agent] = super().get_queryset(request)
        return agents.prefetch_related("accounts")

    @admin.display(description="state", ordering="status")
    def state(self, agent: Agent) -> SafeString:
        label = state_label(agent.status, STATES[Agent.Status(agent.status)])
        return format_html("{}{}", label, reason_text(agent.status_reason))

    @admin.display(description="since", ordering="status_since")
    def since(self, agent: Agent) -> str:
        return formatting.age(agent.status_since, timezone.now())

    @admin.display(description="last seen", ordering="last_seen_at")
    def seen(self, agent: Agent) -> str:
        return formatting.age(agent.last_seen_at, timezone.now())

    @admin.display(description="accounts")
    def numbers(self, agent: Agent) -> str:
        return ", ".join(account.title for account in agent.accounts.all()) or "–"

    @admin.display(description="secret is")
    def secret_state(self, agent: Agent) -> str:
        if agent.secret_encrypted is None:
            return "not set"
        if agent.secret is None:
            return "set, and no key of AGENT_SECRETS_KEYS opens it: enter it again"
        return "set"

    @admin.display(description="approved for trading")
    def approval(self, agent: Agent) -> str:
        last = agent.approvals.first() if agent.pk else None
        if last is None:
            return "never"
        fits = (last.url, last.contract) == (agent.url, agent.contract)
        return f"{last} UTC" if fits else f"not at this URL and contract; last: {last} UTC"

    def needs_step_up(self, request: HttpRequest, object_id: str | None) -> bool:
        """To let orders go where none go now."""
        if not request.POST.get("trading_enabled"):
            return False
        before = None if object_id is None else self.get_object(request, unquote(object_id))
        return before is None or bool(before.refusal_to_trade())

    # --- saving -------------------------------------------------------------------------------
    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """What a button does besides saving is done when that is committed: an agent that is tested
        takes seconds, and polls would wait for its row."""
        response: HttpResponse = super().changeform_view(request, *args, **kwargs)
        for act in getattr(request, AFTER_SAVING, ()):
            act()
        return response

    def get_form(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, **kwargs)
        form.may_approve = approvals.may_approve(request.user)
        return form

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        had_secret, traded = obj.secret_encrypted is not None, form.initial.get("trading_enabled")
        form.apply_address()
        if change and had_secret and obj.secret_encrypted is None:
            self.message_user(request, CLEARED, messages.WARNING)
        if form.stops_trading and (traded or "trading_enabled" in form.changed_data):
            self.message_user(request, TRADING_STOPPED, messages.WARNING)
        super().save_model(request, obj, form, change)
        if form.approves:
            approvals.approve(obj, cast(User, request.user))
        if not obj.enabled:
            conflicts.withdraw([obj.pk])
        submitted = self.get_actions_submit_line(request, obj.pk) if change else ()
        asked = [button for button in submitted if button.action_name in request.POST]
        setattr(request, AFTER_SAVING, [partial(one.method, request, obj) for one in asked])

    def changed_columns(self, obj: Any, form: Any) -> list[str]:
        columns = super().changed_columns(obj, form)
        columns += form.entailed_columns()
        if {"url", "enabled", "contract", "secret_encrypted", "fixed_interval_s"} & {*columns}:
            obj.next_poll_at = timezone.now()
            columns.append("next_poll_at")
        return columns

    def show(self, obj: Agent) -> None:
        publish_agents([obj.pk])

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        deleted, counts, forbidden, protected = super().get_deleted_objects(objs, request)
        agents = Agent.objects.filter(pk__in=[obj.pk for obj in objs])
        protected += [f"{agent}: {AWAITS_ORDERS}" for agent in agents if agent.awaits_orders()]
        # Nobody may delete a conflict by itself, but with what reported it, it is settled.
        return deleted, counts, forbidden - {Conflict._meta.verbose_name}, protected

    def delete_model(self, request: HttpRequest, obj: Agent) -> None:
        self.delete_queryset(request, Agent.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Agent]) -> None:
        """Their accounts keep their rows, with nobody to read them."""
        ids = list(queryset.values_list("pk", flat=True))
        left = list(Account.objects.filter(agent__in=ids).values_list("number", flat=True))
        with transaction.atomic():
            conflicts.withdraw(ids)
            super().delete_queryset(request, Agent.objects.filter(pk__in=ids))
            publish_accounts(left)
            publish_agents(ids)

    # --- importing ----------------------------------------------------------------------------
    @action(  # type: ignore[untyped-decorator]
        description="Import", url_path="import", icon="upload_file", permissions=["import"]
    )
    def import_agents(self, request: HttpRequest) -> HttpResponse:
        return import_page(self, request)

    def has_import_permission(self, request: HttpRequest) -> bool:
        return bool(self.has_add_permission(request) and self.has_change_permission(request))
