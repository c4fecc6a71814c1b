"""What staff may send: one edit, or one edit of a selection."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from accounts.models import Account, Firm, Phase

SELECTED_AT_MOST = 1000
NUMBER_AT_MOST = 2**63 - 1  # what the column holds
NO_PHASE = {"invalid_choice": "There is no such phase (any more).", "required": "Choose a phase."}
NO_ACTION = {"required": "Say what to do.", "invalid_choice": "There is no such action."}
NO_FIRM = {"invalid_choice": "Choose a firm of the list, or “No firm”."}
FIELDS = {"phase": ("phase",), "firm": ("firm",), "vs": ("pair",)}  # and the actions that use them
LONG_NAME = {"max_length": "The name of a VS group has 40 characters at most."}


class PhaseForm(forms.Form):
    phase = forms.ModelChoiceField(Phase.objects.all(), error_messages=NO_PHASE)


class VSForm(forms.Form):
    vs = forms.CharField(max_length=40, required=False, error_messages=LONG_NAME)


class NumbersField(forms.Field):
    """Account numbers, each once; as many values of one name as there are accounts."""

    widget = forms.MultipleHiddenInput

    def to_python(self, value: Any) -> list[int]:
        return list(dict.fromkeys(self._number(text) for text in value or []))

    def _number(self, text: str) -> int:
        if text.isascii() and text.isdecimal() and len(text) < 20 and int(text) <= NUMBER_AT_MOST:
            return int(text)
        raise ValidationError("“%(text)s” is not an account number.", params={"text": text[:40]})


class SpokenForm(forms.Form):
    """A form whose errors are told in one sentence."""

    @property
    def sentence(self) -> str:
        return " ".join(str(error) for errors in self.errors.values() for error in errors)


class PairForm(SpokenForm):
    """A suggested pair, by number."""

    first = forms.IntegerField(min_value=1, max_value=NUMBER_AT_MOST)
    second = forms.IntegerField(min_value=1, max_value=NUMBER_AT_MOST)


class RefreshForm(SpokenForm):
    accounts = NumbersField(required=False)


class SelectionForm(SpokenForm):
    """The accounts that were ticked, and what to do with them."""

    ACTIONS = ("phase", "firm", "pair", "unpair")

    accounts = NumbersField(error_messages={"required": "Select accounts first."})
    action = forms.ChoiceField(
        choices=[(action, action) for action in ACTIONS],
        error_messages=NO_ACTION,
    )
    phase = forms.ModelChoiceField(Phase.objects.all(), required=False, error_messages=NO_PHASE)
    firm = forms.ModelChoiceField(Firm.objects.all(), required=False, error_messages=NO_FIRM)
    vs = forms.CharField(max_length=40, required=False, error_messages=LONG_NAME)

    def clean_accounts(self) -> list[Account]:
        numbers = self.cleaned_data["accounts"]
        if len(numbers) > SELECTED_AT_MOST:
            raise ValidationError(f"Select {SELECTED_AT_MOST} accounts at most.")
        accounts = list(Account.objects.for_rows().filter(number__in=numbers))
        gone = set(numbers) - {account.number for account in accounts}
        if gone:
            raise ValidationError(f"Account {min(gone)} is not here any more.")
        return accounts

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
