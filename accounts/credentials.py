"""What people type to show who they are: a password, a code of their second factor."""

import logging
from typing import Any

from allauth.mfa.models import Authenticator
from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from accounts import passkeys, second_factor
from accounts.attempts import TOO_OFTEN, too_often

operations = logging.getLogger("operations")
WRONG_SIGN_IN = (
    "The user name or the password is wrong. Capital letters count. A manager of the desk can set "
    "a new password."
)
WRONG_PASSWORD = "The password is wrong. Capital letters count."  # noqa: S105 - a sentence
NO_PASSWORD = {"required": "Enter your password."}
NO_NEW = {"required": "Enter the new password."}
NOT_AGAIN = {"required": "Enter the new password again."}
NO_NAME = {"required": "Give it a name, such as that of the device."}
NO_PASSKEY = {"required": "No passkey was made or shown.", "max_length": "This is no passkey."}
PASSKEY_BYTES = 20_000
NO_CODE = {"required": "Enter the code.", "max_length": "A code has ten digits at most."}


def count_attempt(request: HttpRequest, name: str) -> None:
    """Raises ValidationError when there were too many."""
    if too_often(request, name):
        raise ValidationError(TOO_OFTEN, code="too_often")


class SignInForm(AuthenticationForm):
    """User and password; each attempt counts."""

    error_messages = {"invalid_login": WRONG_SIGN_IN, "inactive": WRONG_SIGN_IN}

    def clean(self) -> dict[str, Any]:
        name = self.cleaned_data.get("username")
        if name and self.cleaned_data.get("password") and self.request is not None:
            count_attempt(self.request, name)
        return super().clean()


class CodeForm(forms.Form):
    """A code of this user's second factor; each attempt counts."""

    code = forms.CharField(max_length=64, error_messages=NO_CODE)
    factor: Authenticator | None = None  # the one that was shown, once it is valid

    def __init__(self, user: User, request: HttpRequest, data: Any = None) -> None:
        super().__init__(data)
        self.user, self.request = user, request

    def clean(self) -> dict[str, Any]:
        if not self.errors:
            count_attempt(self.request, self.user.get_username())
            self.show()
        return self.cleaned_data

    def show(self) -> None:
        """Raises ValidationError for what is wrong."""
        self.show_code()

    def show_code(self) -> None:
        try:
            self.use(self.cleaned_data["code"])
        except second_factor.Wrong as wrong:
            raise ValidationError({"code": str(wrong)}) from None

    def use(self, code: str) -> None:
        """Raises second_factor.Wrong."""
        self.factor = second_factor.check(self.user, code)


class ConfirmForm(CodeForm):
    """The password as well: whoever finds a browser signed in changes nothing about signing in."""

    password = forms.CharField(strip=False, max_length=4096, error_messages=NO_PASSWORD)

    def show(self) -> None:
        # A code is used up when it is right, so it comes last.
        if not self.user.check_password(self.cleaned_data["password"]):
            raise ValidationError({"password": WRONG_PASSWORD})
        self.show_code()


class OwnPasswordForm(ConfirmForm):
    """Another password of one's own, with the present one and a code, where there is an app."""

    new = forms.CharField(strip=False, max_length=4096, error_messages=NO_NEW)
    again = forms.CharField(strip=False, max_length=4096, error_messages=NOT_AGAIN)

    def __init__(self, user: User, request: HttpRequest, data: Any = None) -> None:
        super().__init__(user, request, data)
        if not second_factor.has(user):
            del self.fields["code"]

    def clean_new(self) -> str:
        new: str = self.cleaned_data["new"]
        validate_password(new, self.user)
        return new

    def clean_again(self) -> str:
        again: str = self.cleaned_data["again"]
        if again != self.cleaned_data.get("new", again):
            raise ValidationError("This is not the same as the new password above.")
        return again

    def show_code(self) -> None:
        if "code" in self.fields:
            super().show_code()

    def save(self) -> None:
        """Sessions and tokens from before end with the password that they were made with."""
        self.user.set_password(self.cleaned_data["new"])
        self.user.save(update_fields=["password"])
        operations.info("%s changed their password", self.user.get_username())


class AppForm(ConfirmForm):
    """The first code of a new app; `recovery_codes` once it is set up."""

    recovery_codes: list[str]

    def __init__(self, user: User, request: HttpRequest, kept: str, data: Any = None) -> None:
        super().__init__(user, request, data)
        self.kept = kept

    def use(self, code: str) -> None:
        self.recovery_codes = second_factor.set_up(self.user, self.kept, code)
        self.factor = second_factor.app_of(self.user)


class PasskeyForm(CodeForm):
    """A passkey instead of a code."""

    code = None  # type: ignore[assignment]
    credential = forms.CharField(max_length=PASSKEY_BYTES, error_messages=NO_PASSKEY)

    def show(self) -> None:
        try:
            self.factor = passkeys.check(self.user, self.cleaned_data["credential"])
        except second_factor.Wrong as wrong:
            raise ValidationError({"credential": str(wrong)}) from None


class NewPasskeyForm(ConfirmForm):
    name = forms.CharField(max_length=passkeys.LONGEST, error_messages=NO_NAME)
    credential = forms.CharField(max_length=PASSKEY_BYTES, error_messages=NO_PASSKEY)

    def show_code(self) -> None:
        try:
            made = passkeys.made(self.user, self.cleaned_data["credential"])
        except second_factor.Wrong as wrong:
            raise ValidationError({"credential": str(wrong)}) from None
        super().show_code()
        passkeys.keep(self.user, self.cleaned_data["name"], made)
