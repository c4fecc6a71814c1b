"""The record of sign-ins, to be read: who signed in or was refused, how, when and from where."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from accounts.admin.base import ModelAdmin, ReadOnly
from accounts.models import SignIn

MOMENT = "%Y-%m-%d %H:%M:%S"


@admin.register(SignIn)
class SignInAdmin(ReadOnly, ModelAdmin):
    list_display = ("last", "who", "outcome", "method", "network", "attempts", "first")
    list_filter = ("was_refused", ("how", ChoicesDropdownFilter))
    list_filter_submit = True
    list_per_page = 50
    exclude = ("mark",)
    search_fields = ("user__username", "network")
    search_help_text = "User name or network"
    show_full_result_count = False
    show_facets = 0
    compressed_fields = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[SignIn]:
        rows: QuerySet[SignIn] = super().get_queryset(request)
        return rows.select_related("user")

    @admin.display(description="last (UTC)", ordering="last_at")
    def last(self, row: SignIn) -> str:
        return f"{row.last_at:{MOMENT}}"

    @admin.display(description="first (UTC)", ordering="first_at")
    def first(self, row: SignIn) -> str:
        return f"{row.first_at:{MOMENT}}"

    @admin.display(description="method", ordering="how")
    def method(self, row: SignIn) -> str:
        return row.get_how_display()

    @admin.display(description="attempts that day", ordering="count")
    def attempts(self, row: SignIn) -> int:
        return row.count

    @admin.display(description="user", ordering="user__username")
    def who(self, row: SignIn) -> str:
        return row.user.get_username() if row.user else "unknown names"

    @admin.display(description="outcome", ordering="was_refused")
    def outcome(self, row: SignIn) -> str:
        return "refused" if row.was_refused else "signed in"
