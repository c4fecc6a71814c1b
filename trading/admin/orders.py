"""Orders and their journal, to be read: nothing in the admin adds, changes or deletes one."""

from django.contrib import admin
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from accounts.admin.base import ModelAdmin, ReadOnly
from trading.models import Order, OrderEvent


class EventsInline(ReadOnly, TabularInline):  # type: ignore[misc]
    model = OrderEvent
    fields = ("at", "state", "text", "actor", "data")
    verbose_name_plural = "journal"
    hide_title = True
    extra = 0


@admin.register(Order)
class OrderAdmin(ReadOnly, ModelAdmin):
    list_display = ("placed_at", "login", "what", "state", "username", "reason", "agent_name")
    list_filter = (("state", ChoicesDropdownFilter), ("kind", ChoicesDropdownFilter))
    list_filter_submit = True
    list_fullwidth = True
    list_per_page = 50
    search_fields = (
        *("tag", "login", "username", "symbol", "position", "position_ticket"),
        *("position_identifier", "order_ticket", "deal_ticket"),
    )
    search_help_text = "Tag, account number, user, symbol, ticket or identifier"
    show_full_result_count = False
    show_facets = 0
    compressed_fields = True
    inlines = (EventsInline,)

    @admin.display(description="order")
    def what(self, order: Order) -> str:
        return order.words


@admin.register(OrderEvent)
class OrderEventAdmin(ReadOnly, ModelAdmin):
    list_display = ("at", "order", "state", "text", "actor")
    list_select_related = ("order",)
    list_per_page = 50
    search_fields = ("order__tag", "order__login", "text", "actor")
    show_full_result_count = False
    compressed_fields = True
