"""What people type to show who they are: a password, a code of their second factor."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from allauth.mfa.models import Authenticator
from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.http import HttpRequest

from accounts.models.sign_in import How
from accounts.signin import passkeys, rate_limit, second_factor
from accounts.signin.hashing import Unavailable

operations = logging.getLogger("operations")
WRONG_SIGN_IN = (
    "The user name or the password is wrong. Check capital letters, or ask a desk manager for a "
    "new password."
)
WRONG_PASSWORD = "The password is wrong. Check capital letters."  # noqa: S105 - a sentence
NO_PASSWORD = {"required": "Enter your password."}
NO_NEW = {"required": "Enter the new password."}
NOT_AGAIN = {"required": "Repeat the new password."}
NO_NAME = {"required": "Enter a name, such as that of the device."}
NO_PASSKEY = {
    "required": "No passkey was made or shown.",
    "max_length": "This is not a valid passkey.",
}
PASSKEY_BYTES = 20_000
PROOF = "proof"  # before the names of the fields of a ProofForm
NO_CODE = {"required": "Enter the code.", "max_length": "A code has ten digits at most."}


@contextmanager
def counted(request: HttpRequest, name: str, how: str) -> Iterator[rate_limit.Tries]:
    """As rate_limit.counted, for forms: raises ValidationError instead; see `status_of`."""
    try:
        with rate_limit.counted(request, name, how) as tries:
            yield tries
    except rate_limit.TooOften as why:
        raise ValidationError(str(why), code="too_often") from None
    except Unavailable as why:
        code = "too_often" if why.status == 429 else "unavailable"
        raise ValidationError(str(why), code=code) from None


def status_of(form: forms.Form | None) -> int:
    """Return the status of the page that shows this form again."""
    if form is None:
        return 200
    if form.has_error(NON_FIELD_ERRORS, "unavailable"):
        return 503
    return 429 if form.has_error(NON_FIELD_ERRORS, "too_often") else 200


class SignInForm(AuthenticationForm):
    """User and password; each attempt counts."""

    error_messages = {"invalid_login": WRONG_SIGN_IN, "inactive": WRONG_SIGN_IN}

    def clean(self) -> dict[str, Any]:
        name = self.cleaned_data.get("username")
        if not name or not self.cleaned_data.get("password") or self.request is None:
            return super().clean()
        with counted(self.request, name, How.PASSWORD):
            return super().clean()


class CodeForm(forms.Form):
    """A code of this user's second factor; each attempt counts."""

    code = forms.CharField(max_length=64, error_messages=NO_CODE)
    factor: Authenticator | None = None  # the one that was shown, once it is valid
    how = How.CODE
    mark = ""  # of a known caller, once it is counted

    def __init__(self, user: User, request: HttpRequest, data: Any = None) -> None:
        super().__init__(data)
        self.user, self.request = user, request

    def clean(self) -> dict[str, Any]:
        if not self.errors:
            with counted(self.request, self.user.get_username(), self.how) as tries:
                self.mark = tries.mark
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
        self.factor = second_factor.check(self.user, code, self.mark)


class ConfirmForm(CodeForm):
    """The password as well: whoever finds a browser signed in changes nothing about signing in."""

    how = How.CONFIRM
    password = forms.CharField(strip=False, max_length=4096, error_messages=NO_PASSWORD)

    def show(self) -> None:
        # A code is used up when it is right, so it comes last.
        self.show_password()
        self.show_code()

    def show_password(self) -> None:
        if not self.user.check_password(self.cleaned_data["password"]):
            raise ValidationError({"password": WRONG_PASSWORD})


class ProofForm(ConfirmForm):
    """Who it is, asked again before something else is done: beside its own form, so its fields have
    names of their own. The code, or a passkey, is asked of those who have a second factor."""

    prefix = PROOF
    credential = forms.CharField(
        required=False, max_length=PASSKEY_BYTES, error_messages=NO_PASSKEY
    )

    def __init__(self, user: User, request: HttpRequest, data: Any = None) -> None:
        super().__init__(user, request, data)
        self.fields["code"].required = False

    def show(self) -> None:
        self.show_password()
        if not second_factor.has(self.user):
            return
        if self.cleaned_data["credential"]:
            self.factor = check_passkey(self.user, self.cleaned_data["credential"])
        elif self.cleaned_data["code"]:
            self.show_code()
        else:
            raise ValidationError({"code": NO_CODE["required"]})


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
        self.recovery_codes = second_factor.set_up(self.user, self.kept, code, self.mark)
        self.factor = second_factor.app_of(self.user)


def check_passkey(user: User, text: str) -> Authenticator:
    """Return the passkey that was shown. Raise ValidationError for what is wrong."""
    try:
        return passkeys.check(user, text)
    except second_factor.Wrong as wrong:
        raise ValidationError({"credential": str(wrong)}) from None


class PasskeyForm(CodeForm):
    """A passkey instead of a code."""

    code = None  # type: ignore[assignment]
    how = How.PASSKEY
    credential = forms.CharField(max_length=PASSKEY_BYTES, error_messages=NO_PASSKEY)

    def show(self) -> None:
        self.factor = check_passkey(self.user, self.cleaned_data["credential"])


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
