"""Versus and their timelines, to be read; cancelling and closing go through the desk, as on pages.

Which of the chosen ones it would be done to is shown first, and done when it is confirmed.
"""

from collections.abc import Callable
from typing import cast

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from accounts.admin.base import ModelAdmin, ReadOnly
from accounts.fleet import formatting
from accounts.wording import listed
from trading.models import Versus, VersusEvent
from trading.versus import archive, desk
from trading.versus.states import ALLOWED, State

MOST = 50  # closed in one request
TEMPLATE = "admin/trading/versus/confirm.html"


class StepsInline(ReadOnly, TabularInline):  # type: ignore[misc]
    model = VersusEvent
    fields = ("at", "state", "step", "text", "actor", "data")
    verbose_name_plural = "timeline"
    hide_title = True
    extra = 0


@admin.register(Versus)
class VersusAdmin(ReadOnly, ModelAdmin):
    list_display = ("code", "login_a", "login_b", "size", "state", "since", "reason", "runner_name")
    list_filter = (("state", ChoicesDropdownFilter), ("archived_at", admin.EmptyFieldListFilter))
    list_filter_submit = True
    list_fullwidth = True
    list_per_page = 50
    search_fields = ("code", "login_a", "login_b", "symbol_a", "symbol_b", "creator")
    search_help_text = "Code, account number, symbol or user"
    show_full_result_count = False
    show_facets = 0
    compressed_fields = True
    inlines = (StepsInline,)
    actions = ("cancel", "close_both", "archive")

    @admin.display(description="lots", ordering="lots")
    def size(self, versus: Versus) -> str:
        return f"{formatting.price(versus.lots)}, A keeps the {versus.side_a.lower()}"

    def has_run_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("trading.run_versus")

    @admin.action(description="Cancel those that were not begun", permissions=["run"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Versus]) -> HttpResponse | None:
        return _confirmed(self, request, queryset, State.CANCELLED, desk.cancel)

    @admin.action(description="Close both legs", permissions=["run"])
    def close_both(self, request: HttpRequest, queryset: QuerySet[Versus]) -> HttpResponse | None:
        return _confirmed(
            self, request, queryset, State.CLOSING, lambda one, user: desk.close_both(one, user, "")
        )

    @admin.action(description="Archive those that have ended", permissions=["run"])
    def archive(self, request: HttpRequest, queryset: QuerySet[Versus]) -> None:
        """Undone on the page of each, so nothing is confirmed."""
        rows = list(queryset.order_by("pk"))
        done = [one for one in rows if archive.archive(one, cast(User, request.user))]
        for one in done:
            self.log_change(request, one, "archived")
        left = [f"{one.code} ({one.get_state_display()})" for one in rows if one not in done]
        text = f"Archived: {len(done)} of {len(rows)}."
        if left:
            text += " Only versus that have ended, and are not in the archive, can be archived:"
            text += f" nothing was done with {listed(left)}."
        self.message_user(request, text, messages.WARNING if left else messages.SUCCESS)


def _confirmed(
    model_admin: VersusAdmin,
    request: HttpRequest,
    chosen: QuerySet[Versus],
    to: State,
    act: Callable[[Versus, User], bool],
) -> HttpResponse | None:
    rows = list(chosen.order_by("pk")[: MOST + 1])
    able = [one for one in rows if to in ALLOWED[State(one.state)]]
    if len(rows) > MOST or not able:
        states = listed([f"{one.code} ({one.get_state_display()})" for one in rows])
        done_to = "closed" if to == State.CLOSING else "cancelled"
        text = f"None of the selected versus can be {done_to}: {states}."
        if able:
            text = f"Choose at most {MOST} at once."
        model_admin.message_user(request, text, messages.ERROR)
        return None
    if "confirmed" not in request.POST:
        context = {
            **admin.site.each_context(request),
            "opts": Versus._meta,
            "title": "Close both legs" if to == State.CLOSING else "Cancel",
            "action": request.POST.get("action", ""),
            "versus": able,
            "left": [one for one in rows if one not in able],
        }
        return render(request, TEMPLATE, context)
    done = [one for one in able if act(one, cast(User, request.user))]
    for one in done:
        model_admin.log_change(request, one, f"{State(one.state).label}")
    now = list(Versus.objects.filter(pk__in=[one.pk for one in rows]).order_by("pk"))
    became = [one for one in now if one in done]
    told = [f"{one.code} is {one.get_state_display()}" for one in became]
    text = f"{len(done)} of {len(rows)}: {', '.join(told) or 'none'}."
    left = [f"{one.code} ({one.get_state_display()})" for one in now if one not in done]
    if left:
        text += f" Nothing was done with {listed(left)}."
    over = bool(done) and all(one.is_ended for one in became) and not left
    model_admin.message_user(request, text, messages.SUCCESS if over else messages.WARNING)
    return None


@admin.register(VersusEvent)
class VersusEventAdmin(ReadOnly, ModelAdmin):
    list_display = ("at", "versus", "state", "step", "text", "actor")
    list_select_related = ("versus",)
    list_per_page = 50
    search_fields = ("versus__code", "text", "actor")
    show_full_result_count = False
    compressed_fields = True
