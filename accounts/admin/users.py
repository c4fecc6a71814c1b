"""Users and groups, with the forms of the admin's theme.

Staff who may edit users run the desk's list of people; rights are given by superusers alone, or
whoever may edit users could give themselves all of them. What changes who can do what needs a
step-up: a stolen session would make a user of its own otherwise.
"""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts.admin.base import ModelAdmin
from accounts.signin import proofs, second_factor
from accounts.signin.step_up import StepUpAdmin, challenge
from accounts.wording import listed

admin.site.unregister(User)
admin.site.unregister(Group)
# Second factors are removed here, and set up by those who have them; addresses are not used.
admin.site.unregister(Authenticator)
admin.site.unregister(EmailAddress)


@admin.register(User)
class UserAdmin(StepUpAdmin, DjangoUserAdmin, ModelAdmin):  # type: ignore[misc,type-arg]
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = (
        *("username", "email", "first_name", "last_name", "is_staff", "has_second_factor"),
    )
    actions = ("remove_second_factor",)
    step_up_actions = ("remove_second_factor",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        factors = Authenticator.objects.filter(user=OuterRef("pk"))
        return super().get_queryset(request).annotate(factor=Exists(factors))  # type: ignore[no-any-return]

    @admin.display(description="second factor", boolean=True)
    def has_second_factor(self, user: Any) -> bool:
        return bool(user.factor)

    @admin.action(description="Remove second factor", permissions=["reset"])
    def remove_second_factor(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        by = request.user.get_username()
        done = [user for user in queryset if second_factor.remove(user, by)]
        for user in done:
            self.log_change(request, user, "second factor removed, signed out everywhere")
        messages.success(request, f"Removed: {len(done)}. They set up another, and sign in anew.")
        if left := [user.get_username() for user in queryset if user not in done]:
            messages.warning(request, f"Without a second factor: {listed(left)}.")

    def has_reset_permission(self, request: HttpRequest) -> bool:
        return _gives_rights(request)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> Any:  # noqa: A002
        user: Any = self.get_object(request, unquote(id))
        if user is not None and not _may_become(request, user):
            raise PermissionDenied("This user may do what you may not: a superuser has to do it.")
        if user is not None and self.has_change_permission(request, user):
            page = challenge(request)
            if page is not None:
                return page
        return super().user_change_password(request, id, form_url)

    def save_model(self, request: HttpRequest, user: User, form: Any, change: bool) -> None:
        """Sessions and tokens of a user who is made inactive do not come back with them."""
        super().save_model(request, user, form, change)
        if change and "is_active" in form.changed_data and not user.is_active:
            proofs.end_all(user.pk)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if _gives_rights(request) else ("is_superuser", "groups", "user_permissions")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(super().has_change_permission(request, obj)) and _may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(super().has_delete_permission(request, obj)) and _may_touch(request, obj)


@admin.register(Group)
class GroupAdmin(StepUpAdmin, DjangoGroupAdmin, ModelAdmin):  # type: ignore[misc]
    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if _gives_rights(request) else ("permissions",)


def _gives_rights(request: HttpRequest) -> bool:
    return bool(request.user.is_superuser)


def _may_become(request: HttpRequest, user: Any) -> bool:
    """Whoever sets a password may sign in with it, and is asked for no second factor where none is
    set up yet."""
    mine: Any = request.user
    user.is_active = True  # one who is not is made so again by whoever edits users
    return bool(mine.has_perms(user.get_all_permissions()))


def _may_touch(request: HttpRequest, user: User | None) -> bool:
    """A new password for a superuser would be theirs for the taking."""
    return user is None or not user.is_superuser or _gives_rights(request)
