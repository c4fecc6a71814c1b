"""Accounts in the admin. Polled columns are shown; phase, VS group, firm and notes are edited."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList as DjangoChangeList
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from unfold.contrib.filters.admin import FieldTextFilter, RelatedDropdownFilter
from unfold.views import ChangeList

from accounts.admin import account_filters as filters
from accounts.admin.account_actions import AccountActions
from accounts.admin.account_columns import AccountColumns
from accounts.admin.account_forms import (
    AccountForm,
    AccountRows,
    LabelsForm,
    phase_choices,
)
from accounts.admin.history import EditAdmin
from accounts.fleet import query
from accounts.live.publishing import publish_accounts
from accounts.models import Account

CELLS_MOST = 200
READ = tuple(name for name in Account.POLLED if name != "server")  # beside the number
FIGURES = (*Account.POLLED, "agent", "changed_at", "edited_at")


def _in_pairs(*names: str) -> tuple[tuple[str, ...], ...]:
    return tuple(names[n : n + 2] for n in range(0, len(names), 2))


class AccountList(ChangeList):  # type: ignore[misc]
    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        self.list_editable = self.model_admin.editable_in_list(request)


@admin.register(Account)
class AccountAdmin(AccountColumns, AccountActions, EditAdmin):
    form = AccountForm
    list_display = (
        "number",
        "holder",
        "firm",
        "server",
        "phase",
        "vs_group",
        "state",
        "age",
        "balance_now",
        "equity_now",
        "floating_now",
        "pl",
        "pl_pct",
        "used",
        "open",
        "agent",
    )
    list_editable = ("phase", "vs_group")
    list_fullwidth = True
    list_filter = (
        ("phase", RelatedDropdownFilter),
        ("firm", RelatedDropdownFilter),
        filters.StateFilter,
        filters.NearLimitFilter,
        filters.OpenPositionsFilter,
        filters.VSFilter,
        filters.ConflictFilter,
        ("server", FieldTextFilter),
    )
    search_fields = ("number", "holder", "name", "firm__name", "server")
    search_help_text = "Number, holder, name, firm or server"
    empty_says = "An account appears here as soon as an agent reports it."
    autocomplete_fields = ("firm",)
    fieldsets = (
        (None, {"fields": (("number", "server"), "agent", "holder", "firm", "phase", "vs_group")}),
        ("Limits", {"fields": ("initial_balance", "max_drawdown_pct")}),
        ("Note", {"fields": ("note",)}),
        (
            "As last read",
            {"fields": _in_pairs(*READ, "changed_at", "edited_at")},
        ),
    )

    class Media:
        js = ("accounts/admin.js",)

    # --- who may do what ----------------------------------------------------------------------
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # accounts come from agents

    def has_change_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        # Somebody who may change phases alone may open the form; the rest of it is read-only.
        return (
            self.has_details_permission(request)
            or self.has_phase_permission(request)
            or self.has_vs_permission(request)
        )

    def has_details_permission(self, request: HttpRequest) -> bool:
        return bool(super().has_change_permission(request))

    def has_phase_permission(self, request: HttpRequest) -> bool:
        return self._may_view(request) and request.user.has_perm("accounts.change_phase")

    def has_vs_permission(self, request: HttpRequest) -> bool:
        return self._may_view(request) and request.user.has_perm("accounts.change_vs")

    def _may_view(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.view_account") or self.has_details_permission(
            request
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        readonly = ("number", *FIGURES)
        if not self.has_details_permission(request):
            readonly += ("holder", "firm", "initial_balance", "max_drawdown_pct", "note")
        if not self.has_phase_permission(request):
            readonly += ("phase",)
        if not self.has_vs_permission(request):
            readonly += ("vs_group",)
        return readonly

    def editable_in_list(self, request: HttpRequest) -> tuple[str, ...]:
        readonly = self.get_readonly_fields(request)
        return tuple(name for name in self.list_editable if name not in readonly)

    # --- list ---------------------------------------------------------------------------------
    def get_queryset(self, request: HttpRequest) -> QuerySet[Account]:
        return query.flagged(Account.objects.for_rows().with_figures())

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[DjangoChangeList]:
        return AccountList

    def get_changelist_form(self, request: HttpRequest, **kwargs: Any) -> type[LabelsForm]:
        editable = self.editable_in_list(request)
        left_out = {name: None for name in self.list_editable if name not in editable}
        return type("Row", (LabelsForm,), {"phases": phase_choices(request), **left_out})

    def get_changelist_formset(self, request: HttpRequest, **kwargs: Any) -> Any:
        editable = self.editable_in_list(request)
        left_out = [name for name in self.list_editable if name not in editable]
        return super().get_changelist_formset(
            request, formset=AccountRows, exclude=left_out, **kwargs
        )

    def get_form(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, **kwargs)
        form.phases = phase_choices(request)
        return form

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        try:
            response: HttpResponse = super().changelist_view(request, extra_context)
        except ValidationError as error:
            return self._beaten(request, error)
        return response

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            response: HttpResponse = super().changeform_view(request, *args, **kwargs)
        except ValidationError as error:
            return self._beaten(request, error)
        return response

    def _beaten(self, request: HttpRequest, error: ValidationError) -> HttpResponse:
        """Somebody filled a VS group between our look and our write: all of it was rolled back."""
        text = " ".join(error.messages)
        self.message_user(request, f"Nothing was saved. {text}", messages.ERROR)
        return HttpResponseRedirect(request.get_full_path())

    def get_urls(self) -> list[URLPattern]:
        cells = path("cells/", self.admin_site.admin_view(self.cells), name="accounts_cells")
        return [cells, *super().get_urls()]

    def cells(self, request: HttpRequest) -> JsonResponse:
        """The polled cells of the rows on screen, for the script that keeps the list current."""
        if not self.has_view_permission(request):
            return JsonResponse({}, status=403)
        keys = [key for key in request.GET.get("ids", "").split(",") if key.isdecimal()]
        ids = [int(key[:18]) for key in keys[:CELLS_MOST]]
        rows = self.get_queryset(request).filter(pk__in=ids)
        return JsonResponse({str(account.pk): self.live_cells(account) for account in rows})

    # --- saving -------------------------------------------------------------------------------
    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        form.apply()

    def changed_columns(self, obj: Any, form: Any) -> list[str]:
        columns = [
            name
            for name in super().changed_columns(obj, form)
            if name not in LabelsForm.LABELS and name != "id"
        ]
        if columns:
            obj.edited_at = timezone.now()
            columns.append("edited_at")
        return columns

    def show(self, obj: Account) -> None:
        publish_accounts([obj.number])

    def view_on_site(self, obj: Account) -> str:
        return reverse("account", args=[obj.key])

    # --- deleting -----------------------------------------------------------------------------
    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What goes with an account is counted, not listed: its history may be long."""
        deleted, *rest = super().get_deleted_objects(objs, request)
        return [line for line in deleted if not isinstance(line, list)], *rest

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Account]) -> None:
        numbers = dict(queryset.values_list("pk", "number"))
        # Not the annotated rows of the list: a DELETE takes no joins.
        Account.objects.filter(pk__in=numbers).delete()
        Account.objects.mark_shared(numbers.values())
        # Which pages hold rows that are gone is not known: the fleet is read again.
        publish_accounts(numbers.values(), added=True)

    def delete_model(self, request: HttpRequest, obj: Account) -> None:
        self.delete_queryset(request, Account.objects.filter(pk=obj.pk))
