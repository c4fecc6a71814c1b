"""Standing acknowledgements: given here by a person, for the programs of a user, and revoked."""

from datetime import timedelta
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from accounts.admin.base import ModelAdmin
from accounts.signin import proofs
from trading.models import StandingAcknowledgement
from trading.models.standing import ACKNOWLEDGE

MOST_DAYS = 365


class StandingForm(forms.ModelForm):  # type: ignore[type-arg]
    days = forms.IntegerField(
        label="Valid for, days",
        min_value=1,
        max_value=MOST_DAYS,
        initial=90,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="It ends earlier when you revoke it, lose the permission to acknowledge, or "
        "remove the second factor that you signed in with.",
    )

    class Meta:
        model = StandingAcknowledgement
        fields = ("user", "token", "reason")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        token, user = data.get("token"), data.get("user")
        if token is not None and user is not None and token.user_id != user.pk:
            self.add_error("token", f"This token belongs to {token.user}: choose one of {user}.")
        return data


@admin.register(StandingAcknowledgement)
class StandingAdmin(ModelAdmin):
    form = StandingForm
    fieldsets = (
        (
            None,
            {
                "fields": ("user", "token", "reason", "days"),
                "description": "Versus that programs of this user create or run are accepted with "
                "every warning that you could acknowledge yourself: firm rules, unknown margin "
                "modes, assumed ticks. What blocks a versus still blocks it. Each versus records "
                "that you accepted its warnings.",
            },
        ),
    )
    list_display = ("user", "program", "giver", "given_at", "expires_at", "state", "reason")
    list_select_related = ("user", "token", "given_by")
    autocomplete_fields = ("user",)
    search_fields = ("user__username", "giver", "reason")
    show_full_result_count = False
    compressed_fields = True
    actions = ("revoke",)
    empty_says = "Programs accept no warning about a versus unless they send it with the request."

    @admin.display(description="program")
    def program(self, standing: StandingAcknowledgement) -> str:
        return str(standing.token) if standing.token else "all"

    @admin.display(description="state")
    def state(self, standing: StandingAcknowledgement) -> str:
        if standing.revoked_at is not None:
            return "revoked"
        return "valid" if standing.holds(timezone.now()) else "ended"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(ACKNOWLEDGE)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Another one is given instead."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """It is revoked, so that it stays known."""
        return False

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(ACKNOWLEDGE)

    def save_model(
        self, request: HttpRequest, standing: StandingAcknowledgement, form: Any, change: bool
    ) -> None:
        standing.given_by = cast(User, request.user)
        standing.giver = request.user.get_username()
        for name, value in proofs.of(request.user).columns.items():
            setattr(standing, name, value)
        standing.expires_at = timezone.now() + timedelta(days=form.cleaned_data["days"])
        super().save_model(request, standing, form, change)

    @admin.action(description="Revoke", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[StandingAcknowledgement]) -> None:
        chosen = list(queryset)
        done = [standing for standing in chosen if standing.revoke()]
        for standing in done:
            self.log_change(request, standing, "revoked")
        messages.success(request, f"Revoked: {len(done)} of {len(chosen)}.")
