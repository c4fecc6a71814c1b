"""What the forms of trading share, and the one that settles an order by hand."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from django import forms
from django.core.exceptions import ValidationError

from accounts.forms import SpokenForm
from mt5monitor.text import clean
from trading import numbers
from trading.journal import REASON_LENGTH
from trading.sizing import Refused
from trading.states import State

# What a person may find at the broker, in the words of the form.
FOUND: Final = {
    State.FILLED: "It was executed as asked",
    State.PARTIAL: "It was executed in part",
    State.NOT_EXECUTED: "It was not executed",
    State.CLOSED_EXTERNALLY: "The position was closed by something else",
}
CHOOSE: Final = "Choose what was found at the broker."


class Typed(forms.Field):
    """A text as it was typed; `read` makes a value of it, or raises Refused."""

    def __init__(self, read: Callable[[str], object] = str) -> None:
        super().__init__(required=False)
        self._read = read

    def to_python(self, value: str | None) -> object:
        with refusals():
            return self._read(value or "")


@contextmanager
def refusals() -> Iterator[None]:
    """Refused is an error of the field that is cleaned."""
    try:
        yield
    except Refused as refused:
        raise ValidationError(str(refused)) from refused


def reason(text: str) -> str:
    return clean(text, REASON_LENGTH)


def _ticket(text: str) -> int | None:
    """None when nothing was written."""
    ticket = numbers.whole(text.strip().removeprefix("#"))
    if text.strip() and not ticket:
        raise Refused("Write the position as its ticket, such as 1234567.")
    return ticket


class SettleForm(SpokenForm):
    """`acknowledged`: the warnings that the person has seen."""

    outcome = forms.TypedChoiceField(
        coerce=State,
        choices=[(state.value, text) for state, text in FOUND.items()],
        error_messages={"required": CHOOSE, "invalid_choice": CHOOSE},
    )
    reason = Typed(reason)
    position = Typed(_ticket)
    acknowledged = forms.Field(required=False, widget=forms.MultipleHiddenInput)
