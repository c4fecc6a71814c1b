"""Phases, firms and VS groups in the admin."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import TabularInline

from accounts.admin.history import EditAdmin
from accounts.fleet import formatting
from accounts.live.publishing import publish_accounts
from accounts.models import Account, Firm, Phase, VSGroup


class LabelAdmin(EditAdmin):
    """A label stands in the rows of its accounts: changing it shows in all of them."""

    def show(self, obj: Any) -> None:
        accounts = Account.objects.filter(**{self.opts.model_name: obj})
        publish_accounts(list(accounts.values_list("number", flat=True)))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        related = "members" if self.model is VSGroup else "accounts"
        rows: QuerySet[Any] = super().get_queryset(request)
        rows = rows.annotate(held=Count(related)).order_by(*self.model._meta.ordering)
        return rows

    @admin.display(description="accounts", ordering="held")
    def held(self, row: Any) -> int:
        return int(row.held)


@admin.register(Phase)
class PhaseAdmin(LabelAdmin):
    list_display = ("label", "description", "order", "default", "retired", "held")
    search_fields = ("name", "description")

    @admin.display(description="phase", ordering="name")
    def label(self, phase: Phase) -> SafeString:
        return format_html('<span class="phase c-{}">{}</span>', phase.color, phase.name)

    # In words: a red cross would make a phase that is quite in order look like an alarm.
    @admin.display(description="default", ordering="is_default")
    def default(self, phase: Phase) -> str:
        return "yes" if phase.is_default else "–"

    @admin.display(description="retired", ordering="is_retired")
    def retired(self, phase: Phase) -> str:
        return "yes" if phase.is_retired else "–"

    def has_change_permission(self, request: HttpRequest, obj: Phase | None = None) -> bool:
        # Not `change_phase`, which is about the phase of an account.
        return request.user.has_perm("accounts.edit_phases")


@admin.register(Firm)
class FirmAdmin(LabelAdmin):
    list_display = ("name", "max_drawdown_pct", "opposite_positions", "rule_date", "held")
    list_filter = ("opposite_positions",)
    search_fields = ("name",)


class MembersInline(TabularInline):  # type: ignore[misc]
    model = Account
    fields = readonly_fields = ("slot", "login", "holder", "in_phase", "balance_now", "read_by")
    ordering = ("vs_slot",)
    verbose_name = "member"
    verbose_name_plural = "members, changed on the account"
    can_delete = False
    hide_title = True
    extra = max_num = 0

    @admin.display(description="slot")
    def slot(self, account: Account) -> str:
        return account.vs_slot

    @admin.display(description="account")
    def login(self, account: Account) -> SafeString:
        url = reverse("admin:accounts_account_change", args=[account.pk])
        return format_html('<a class="link" href="{}">{}</a>', url, account.title)

    @admin.display(description="phase")
    def in_phase(self, account: Account) -> str:
        return str(account.phase or "–")

    @admin.display(description="balance")
    def balance_now(self, account: Account) -> str:
        return formatting.money(account.balance, account.money_places)

    @admin.display(description="agent")
    def read_by(self, account: Account) -> str:
        return str(account.agent or "–")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Account]:
        accounts: QuerySet[Account] = super().get_queryset(request)
        return accounts.select_related("phase", "agent")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(VSGroup)
class VSGroupAdmin(LabelAdmin):
    list_display = ("name", "note", "members", "held")
    search_fields = ("name", "members__number", "members__holder")
    inlines = (MembersInline,)

    def show(self, obj: VSGroup) -> None:
        publish_accounts(list(obj.members.values_list("number", flat=True)))

    def get_queryset(self, request: HttpRequest) -> QuerySet[VSGroup]:
        groups: QuerySet[VSGroup] = super().get_queryset(request)
        return groups.prefetch_related("members")

    @admin.display(description="members")
    def members(self, group: VSGroup) -> str:
        members = sorted(group.members.all(), key=lambda account: account.vs_slot)
        return ", ".join(f"{account.vs_slot} {account.title}" for account in members) or "–"
