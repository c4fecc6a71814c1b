"""Closed trades and deals, to be read: agents tell them, and nothing in the admin changes one."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from accounts.admin.base import ModelAdmin, ReadOnly
from trading.models import ClosedTrade, Deal


class HistoryAdmin(ReadOnly, ModelAdmin):
    list_filter_submit = True
    list_fullwidth = True
    list_per_page = 50
    list_select_related = ("account",)
    # Tables grow without end: nothing is counted that need not be.
    show_full_result_count = False
    show_facets = 0
    compressed_fields = True

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never by itself, but with its account, by whoever may delete that."""
        page = request.resolver_match.url_name if request.resolver_match else ""
        of_account = str(page).startswith("accounts_account_")
        return of_account and request.user.has_perm("accounts.delete_account")

    @admin.display(description="account", ordering="account__number")
    def number(self, row: Any) -> str:
        title: str = row.account.title
        return title


@admin.register(ClosedTrade)
class ClosedTradeAdmin(HistoryAdmin):
    list_display = (
        "closed_at_or_guess",
        "number",
        "symbol",
        "side",
        "volume_closed",
        "net",
        "reason",
        "is_open",
        "contract",
        "position_id",
    )
    list_filter = (("side", ChoicesDropdownFilter), ("contract", ChoicesDropdownFilter), "is_open")
    search_fields = ("=account__number", "=position_id", "symbol")
    search_help_text = "Account number, position or symbol"


@admin.register(Deal)
class DealAdmin(HistoryAdmin):
    list_display = (
        "at",
        "number",
        "type",
        "entry",
        "symbol",
        "volume",
        "price",
        "net",
        "reason",
        "position_id",
        "ticket",
    )
    search_fields = ("=account__number", "=ticket", "=position_id", "symbol", "=type")
    search_help_text = "Account number, ticket, position, symbol or type"
