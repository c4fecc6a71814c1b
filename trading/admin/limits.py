"""What users and accounts may trade at most."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin

from accounts.admin.base import ModelAdmin
from accounts.fleet import formatting
from trading.models import TradeLimit


class LimitForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = TradeLimit
        fields = ("user", "account", "max_lots", "orders_per_minute", "symbols")
        help_texts: ClassVar = {
            "symbols": "Allowed symbols, separated by spaces; empty: all. As at the broker, in "
            'double quotes where a name has spaces: EURUSD "Volatility 75 Index".'
        }

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        same = TradeLimit.objects.filter(user=data.get("user"), account=data.get("account"))
        if not self.errors and same.exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(
                "There is a limit for this user and this account already: change that one."
            )
        return data

    def validate_constraints(self) -> None:
        """The one there is was checked above, in words."""


@admin.register(TradeLimit)
class TradeLimitAdmin(ModelAdmin):
    form = LimitForm
    list_display = ("whose", "where", "lots", "a_minute", "only")
    list_select_related = ("user", "account")
    autocomplete_fields = ("user", "account")
    search_fields = ("user__username", "account__number", "symbols")
    show_full_result_count = False
    compressed_fields = True
    empty_says = "Without one, only the broker's own limits hold."

    @admin.display(description="user", ordering="user__username")
    def whose(self, limit: TradeLimit) -> str:
        return limit.user.get_username() if limit.user else "everybody"

    @admin.display(description="account", ordering="account__number")
    def where(self, limit: TradeLimit) -> str:
        return limit.account.title if limit.account else "all"

    @admin.display(description="lots an order", ordering="max_lots")
    def lots(self, limit: TradeLimit) -> str:
        return "–" if limit.max_lots is None else formatting.price(limit.max_lots)

    @admin.display(description="orders a minute", ordering="orders_per_minute")
    def a_minute(self, limit: TradeLimit) -> str:
        return "–" if limit.orders_per_minute is None else str(limit.orders_per_minute)

    @admin.display(description="symbols")
    def only(self, limit: TradeLimit) -> str:
        return " ".join(limit.symbols.splitlines()) or "all"
