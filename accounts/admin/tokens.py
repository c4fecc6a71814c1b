"""Tokens of the API: made here, told once, revoked at any time."""

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminIntegerFieldWidget

from accounts.admin.base import ModelAdmin
from accounts.models import ApiToken
from accounts.models.proof import Proof, ProvenBy
from accounts.models.token import MOST_DAYS, lasting, scope_choices
from accounts.signin import proofs
from accounts.signin.step_up import StepUpAdmin
from accounts.wording import listed

ENDS = (
    "It ends before when it is revoked, when its user’s password changes, when its user signs out "
    "everywhere, or when its user is made inactive. It can do no more than its user can do then."
)
OWN_ONLY = (
    "in whose name its program acts. A token for another user never shows their second factor: if "
    "they need one, it reads only, and they make their own on the page API tokens"
)


class TokenForm(forms.ModelForm):  # type: ignore[type-arg]
    reach = forms.MultipleChoiceField(
        label="Limited to",
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="Of what its user may. None ticked: all of it.",
    )
    days = forms.IntegerField(
        label="Valid for, days",
        min_value=1,
        max_value=MOST_DAYS,
        initial=90,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=ENDS,
    )

    class Meta:
        model = ApiToken
        fields = ("user", "name")
        help_texts = {"user": OWN_ONLY}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reach"].choices = scope_choices()  # type: ignore[attr-defined]


@admin.register(ApiToken)
class ApiTokenAdmin(StepUpAdmin, ModelAdmin):
    form = TokenForm
    fields = ("user", "name", "reach", "days")
    list_display = (
        *("name", "user", "start", "limits", "proven_by", "expires_at", "state", "used_at"),
    )
    list_select_related = ("user__generation",)
    search_fields = ("name", "user__username", "start")
    show_full_result_count = False
    compressed_fields = True
    actions = ("revoke",)
    empty_says = "Programs sign in for a token, or get one made here."

    @admin.display(description="limited to")
    def limits(self, token: ApiToken) -> str:
        return "what its user may" if token.scopes is None else ", ".join(token.scopes)

    @admin.display(description="state")
    def state(self, token: ApiToken) -> str:
        if token.revoked_at is not None:
            return "revoked"
        return "valid" if token.is_valid(timezone.now()) else "ended"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What it may is never changed: a new one is made."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """It is revoked, so that what it was stays known."""
        return False

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.delete_apitoken")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "user" and not request.user.is_superuser:
            # A token acts as its user: nobody makes one for somebody who may more.
            kwargs["queryset"] = User.objects.filter(username=request.user.get_username())
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, token: ApiToken, form: Any, change: bool) -> None:
        is_own = token.user == request.user
        key = token.cut(proofs.of(request.user) if is_own else Proof(ProvenBy.NONE))
        token.scopes = form.cleaned_data["reach"] or None
        token.expires_at = lasting(form.cleaned_data["days"])
        super().save_model(request, token, form, change)
        messages.warning(request, f"The token, shown this once: {key}")

    @admin.action(description="Revoke", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        mine = (
            queryset
            if request.user.is_superuser
            else queryset.filter(user=cast(User, request.user))
        )
        done = [token for token in mine if token.revoke()]
        for token in done:
            self.log_change(request, token, "revoked")
        messages.success(request, f"Revoked: {len(done)}.")
        if left := [str(token) for token in queryset if token not in done]:
            why = "revoked before, or another user's"
            messages.warning(request, f"Not revoked, because {why}: {listed(left)}.")
