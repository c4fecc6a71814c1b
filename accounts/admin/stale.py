"""Forms that were opened a while ago: they write what their user changed, and nothing else.

Each field carries, hidden, the value that the form was opened with. A field counts as changed
when its user changed that value, so what the poller or somebody else wrote meanwhile stays. Where
two people changed the same field, the second is told, and overwrites it by saving again.
"""

from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict


class OpenedForm(forms.ModelForm):  # type: ignore[type-arg]
    """The base of every form of the admin that edits an existing row."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is not None:
            for name, field in self.fields.items():
                field.show_hidden_initial = name not in self.write_only()

    def write_only(self) -> tuple[str, ...]:
        """Fields that are never shown and so have no value that the form was opened with."""
        return ()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.instance.pk is None:
            return cleaned
        for name in self.changed_data:
            if name in cleaned:
                self._check_meanwhile(name)
        # What is not in cleaned_data is not put onto the instance, so its history stays true too.
        self.cleaned_data = {name: cleaned[name] for name in self.changed_data if name in cleaned}
        return self.cleaned_data

    def _get_validation_exclusions(self) -> set[str]:
        """What this user did not change is not theirs to be told off for, nor worth a query."""
        unchanged = set(self.fields) - set(self.cleaned_data) if self.instance.pk else set()
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return excluded | unchanged

    def _check_meanwhile(self, name: str) -> None:
        """Adds an error when the field is not any more what it was when the form was opened."""
        bound, key = self[name], self[name].html_initial_name
        if not self.fields[name].show_hidden_initial or key not in self.data:
            return
        now = bound.initial if bound.initial is not None else ""
        opened_with, typed = self.data[key], bound.data
        if not self._differ(name, now, opened_with) or not self._differ(name, now, typed):
            return
        # Shown again with this error, the form has seen the new value: saving it overwrites.
        data = cast(QueryDict, self.data).copy()
        data[key] = str(bound.field.prepare_value(now))
        self.data = data
        self.add_error(
            name,
            ValidationError(
                "Somebody else changed this to “%(now)s” meanwhile. Save again to overwrite.",
                code="changed-meanwhile",
                params={"now": self.shown(name, now)},
            ),
        )

    def _differ(self, name: str, now: Any, text: str) -> bool:
        """Whether a value of the row differs from one that came with the form."""
        field = self.fields[name]
        try:
            return field.has_changed(now, text)
        except ValidationError:
            return True

    def shown(self, name: str, value: Any) -> str:
        """The value as its user knows it: the label of a choice rather than its key."""
        choices = getattr(self.fields[name], "choices", None) or ()
        for key, label in choices:
            if str(key) == str(value):
                return str(label)
        return str(value) if value not in ("", None) else "empty"
