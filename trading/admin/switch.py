"""The switch that stops all trading: one row, which is never added and never deleted."""

from typing import Any, cast

from django import forms
from django.contrib import admin
from django.contrib.auth.models import AbstractUser
from django.http import HttpRequest

from accounts.admin.base import ModelAdmin
from accounts.signin.step_up import StepUpAdmin
from trading.models import TradingSwitch
from trading.switching import standing, turn


class SwitchForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = TradingSwitch
        fields = ("is_on", "reason")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("is_on") and not data.get("reason", "").strip():
            self.add_error("reason", "Enter a reason for resuming trading.")
        return data


@admin.register(TradingSwitch)
class TradingSwitchAdmin(StepUpAdmin, ModelAdmin):
    form = SwitchForm
    list_display = ("now", "why_not", "changed_by", "changed_at", "reason")
    fields = ("is_on", "reason", "why_not", "changed_by", "changed_at")
    readonly_fields = ("why_not", "changed_by", "changed_at")
    show_full_result_count = False
    compressed_fields = True

    @admin.display(description="switch")
    def now(self, switch: TradingSwitch) -> str:
        return "on" if switch.is_on else "off"

    @admin.display(description="what holds orders back")
    def why_not(self, switch: TradingSwitch) -> str:
        return standing().why_not or "nothing: orders are allowed"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: TradingSwitch | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: TradingSwitch | None = None) -> bool:
        return request.user.has_perm("trading.stop_trading")

    def needs_step_up(self, request: HttpRequest, object_id: str | None) -> bool:
        """To switch on; to stop, nothing is asked for."""
        return bool(request.POST.get("is_on"))

    def log_change(self, request: HttpRequest, obj: TradingSwitch, message: Any) -> None:
        """Logged where it is turned, as from every other place."""

    def save_model(
        self, request: HttpRequest, obj: TradingSwitch, form: SwitchForm, change: bool
    ) -> None:
        data = form.cleaned_data
        turn(cast(AbstractUser, request.user), on=data["is_on"], reason=data["reason"])
