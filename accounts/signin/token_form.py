"""What users type to make an API token of their own."""

from typing import Any

from django import forms
from django.contrib.auth.models import User

from accounts.models import ApiToken
from accounts.models.token import MOST_DAYS, lasting, scope_choices
from accounts.signin import proofs

NAME = {"required": "Enter what it is for.", "max_length": "A name has at most 80 characters."}
DAYS = f"Days must be a whole number from 1 to {MOST_DAYS}."
NO_DAYS = {"required": DAYS, "invalid": DAYS, "min_value": DAYS, "max_value": DAYS}
NOT_YOURS = {"invalid_choice": "Choose from the list: you cannot give a token more than you can."}


class TokenForm(forms.Form):
    name = forms.CharField(max_length=80, error_messages=NAME)
    days = forms.IntegerField(min_value=1, max_value=MOST_DAYS, initial=90, error_messages=NO_DAYS)
    reach = forms.MultipleChoiceField(required=False, error_messages=NOT_YOURS)

    def __init__(self, user: User, data: Any = None) -> None:
        super().__init__(data)
        self.user = user
        mine = [(codename, name) for codename, name in scope_choices() if user.has_perm(codename)]
        self.fields["reach"].choices = mine  # type: ignore[attr-defined]

    def save(self) -> str:
        """Make the token and return it, which is shown this once. It proves what its maker has."""
        typed = self.cleaned_data
        token = ApiToken(user=self.user, name=typed["name"], scopes=typed["reach"] or None)
        token.expires_at = lasting(typed["days"])
        key = token.cut(proofs.of(self.user))
        token.save(force_insert=True)
        return key
