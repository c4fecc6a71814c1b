"""Forms of accounts: the change form, and the rows of the list with phase and VS group."""

from collections import defaultdict
from typing import Any, ClassVar, cast

from django import forms
from django.core.exceptions import ValidationError
from django.forms.models import BaseModelFormSet
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from accounts import edits
from accounts.admin.stale import OpenedForm
from accounts.models import Account, Phase

Choices = list[tuple[str, str]]


def phases_of(request: HttpRequest) -> list[Phase]:
    """All phases, read once a request: the list wants them for its rows and for its actions."""
    if not hasattr(request, "_phases"):
        request._phases = list(Phase.objects.all())  # type: ignore[attr-defined]
    phases: list[Phase] = request._phases  # type: ignore[attr-defined]
    return phases


def phase_choices(request: HttpRequest) -> Choices:
    return [("", "–"), *((str(phase.pk), phase.name) for phase in phases_of(request))]


class LabelsForm(OpenedForm):
    """Phase and VS group, which are written by accounts.edits and not by the form."""

    LABELS: ClassVar[tuple[str, ...]] = ("phase", "firm", "vs_group")
    phases: ClassVar[Choices] = []  # read once a page, not once a row

    phase = forms.ChoiceField(required=False, widget=UnfoldAdminSelectWidget)
    vs_group = forms.CharField(
        required=False,
        max_length=40,
        label="VS group",
        help_text="A pair of two accounts. A new name makes a new group; empty takes it out.",
        widget=UnfoldAdminTextInputWidget,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.edits: dict[str, Any] = {}
        account = self.instance
        self.initial["phase"] = str(account.phase_id or "")
        self.initial["vs_group"] = account.vs_group.name if account.vs_group else ""
        if "phase" in self.fields:
            cast(forms.ChoiceField, self.fields["phase"]).choices = self.phases

    def clean(self) -> dict[str, Any]:
        if self.instance.pk is None:
            raise ValidationError("This account was deleted meanwhile.")
        cleaned = super().clean()
        self.edits = {name: cleaned.pop(name) for name in self.LABELS if name in cleaned}
        if self.edits.get("phase") == "":
            self.add_error("phase", "Choose a phase.")
        if "vs_group" in self.edits:
            self.edits["vs_group"] = " ".join(self.edits["vs_group"].split())
        return cleaned

    def apply(self) -> None:
        """Makes the edits. Raises ValidationError when a VS group was filled just now."""
        account = self.instance
        if "phase" in self.edits:
            edits.set_phase([account], Phase.objects.get(pk=self.edits["phase"]))
        if "firm" in self.edits:
            edits.set_firm([account], self.edits["firm"])
        if "vs_group" in self.edits:
            edits.set_vs_group(account, self.edits["vs_group"])


class AccountForm(LabelsForm):
    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        refuse_third_members([self])
        return cleaned


class AccountRows(BaseModelFormSet):  # type: ignore[type-arg]
    """The rows of the list, whose VS groups are judged together, in the order of saving."""

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        # Django's own field asks the database for each row whether it is one of the list.
        form.fields["id"] = forms.IntegerField(required=False, widget=forms.HiddenInput)
        form.initial["id"] = form.instance.pk

    def clean(self) -> None:
        super().clean()
        rows = cast("list[LabelsForm]", self.forms)
        # Who leaves a group makes room for who joins it.
        in_order = sorted(rows, key=lambda row: row.edits.get("vs_group") != "")
        refuse_third_members(in_order)
        if not any(row.errors for row in rows):
            rows[:] = in_order


def refuse_third_members(rows: list[LabelsForm]) -> None:
    """Adds an error to each row that would be the third of a VS group, were they saved in order."""
    moving = [row for row in rows if "vs_group" in row.edits]
    members = _members({row.edits["vs_group"] for row in moving} - {""})
    for row in moving:
        name, account = row.edits["vs_group"], row.instance
        others = members[name] - {account} if name else set()
        if len(others) >= 2:
            there = ", ".join(one.title for one in sorted(others, key=lambda one: one.number))
            row.add_error("vs_group", f"VS group {name} already has two members: {there}.")
            continue
        if account.vs_group is not None:
            members[account.vs_group.name].discard(account)
        members[name].add(account)


def _members(names: set[str]) -> dict[str, set[Account]]:
    members: dict[str, set[Account]] = defaultdict(set)
    if names:
        for account in Account.objects.for_rows().filter(vs_group__name__in=names):
            if account.vs_group is not None:
                members[account.vs_group.name].add(account)
    return members
