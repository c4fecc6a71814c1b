"""What staff may send: one edit, or one edit of a selection."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from accounts.keys import Ambiguous, Key, accounts_of, is_key
from accounts.models import Account, Firm, Phase

SELECTED_AT_MOST = 1000
NO_PHASE = {"invalid_choice": "There is no such phase (any more).", "required": "Choose a phase."}
NO_ACTION = {"required": "Say what to do.", "invalid_choice": "There is no such action."}
NO_FIRM = {"invalid_choice": "Choose a firm of the list, or “No firm”."}
FIELDS = {"phase": ("phase",), "firm": ("firm",), "vs": ("pair",)}  # and the actions that use them
LONG_NAME = {"max_length": "The name of a VS group has 40 characters at most."}


class PhaseForm(forms.Form):
    phase = forms.ModelChoiceField(Phase.objects.all(), error_messages=NO_PHASE)


class VSForm(forms.Form):
    vs = forms.CharField(max_length=40, required=False, error_messages=LONG_NAME)


class Chosen(list[Account]):
    """Accounts that were chosen; `gone`: the keys of those that are not here any more."""

    def __init__(self, accounts: Iterable[Account] = (), gone: Iterable[str] = ()) -> None:
        super().__init__(accounts)
        self.gone = list(gone)


class AccountsField(forms.Field):
    """Accounts by their keys, each once; as many values of one name as there are accounts."""

    widget = forms.MultipleHiddenInput

    def __init__(self, *, may_be_gone: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self._may_be_gone = may_be_gone

    def to_python(self, value: Any) -> Chosen:
        keys = list(dict.fromkeys(value or []))
        for key in keys:
            if not is_key(key):
                why = "“%(text)s” is not an account number."
                raise ValidationError(why, params={"text": key[:40]})
        if len(keys) > SELECTED_AT_MOST:
            raise ValidationError(f"Select {SELECTED_AT_MOST} accounts at most.")
        found = accounts_by_key(keys)
        gone = [key for key in keys if key not in found]
        if gone and not self._may_be_gone:
            raise ValidationError(f"Account {min(gone, key=_number)} is not here any more.")
        return Chosen(dict.fromkeys(found.values()), gone)


def accounts_by_key(keys: Iterable[str]) -> dict[str, Account]:
    """With all that a row shows. Raises ValidationError for a number that several have."""
    try:
        return accounts_of(keys, Account.objects.for_rows()) if keys else {}
    except Ambiguous as error:
        raise ValidationError(f"{error} Choose one of them.") from error


def _number(key: str) -> tuple[int, ...]:
    return tuple(map(int, key.split("-")))


class SpokenForm(forms.Form):
    """A form whose errors are told in one sentence."""

    @property
    def sentence(self) -> str:
        return " ".join(str(error) for errors in self.errors.values() for error in errors)


class PairForm(SpokenForm):
    """A suggested pair, by number."""

    first = forms.RegexField(Key.regex, strip=True, max_length=39)
    second = forms.RegexField(Key.regex, strip=True, max_length=39)


class RefreshForm(SpokenForm):
    accounts = AccountsField(required=False, may_be_gone=True)


class SelectionForm(SpokenForm):
    """The accounts that were ticked, and what to do with them."""

    ACTIONS = ("phase", "firm", "pair", "unpair")

    accounts = AccountsField(error_messages={"required": "Select accounts first."})
    action = forms.ChoiceField(
        choices=[(action, action) for action in ACTIONS],
        error_messages=NO_ACTION,
    )
    phase = forms.ModelChoiceField(Phase.objects.all(), required=False, error_messages=NO_PHASE)
    firm = forms.ModelChoiceField(Firm.objects.all(), required=False, error_messages=NO_FIRM)
    vs = forms.CharField(max_length=40, required=False, error_messages=LONG_NAME)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        action = data.get("action")
        self._forget_fields_of_others(action)
        if action == "phase" and not data.get("phase") and "phase" not in self.errors:
            self.add_error("phase", "Choose a phase.")
        if action == "pair" and "accounts" in data and len(data["accounts"]) != 2:
            self.add_error("accounts", "A VS group is a pair: select exactly two accounts.")
        return data

    def _forget_fields_of_others(self, action: str | None) -> None:
        """The form on the page holds the fields of all actions; one counts with its own only."""
        for name, actions in FIELDS.items():
            if action not in actions:
                self.errors.pop(name, None)
