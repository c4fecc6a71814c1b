"""One edit of every account that was ticked."""

from django.test import Client

from accounts.models import Account
from tests.factories import make_account, make_phase
from tests.pages.reading import HTMX, said


def test_an_action_counts_with_its_own_fields_only(editor: Client) -> None:
    account = make_account()
    phase = make_phase("R")
    others = {"firm": "choose", "vs": "x" * 41}  # as the form stands, with nothing chosen there
    fields = {"accounts": account.number, "action": "phase", "phase": phase.pk, **others}
    answer = said(editor.post("/edit/", fields, headers=HTMX))
    assert (answer["tone"], answer["sentence"]) == ("good", "1 account changed: now in phase R.")
    fields["action"] = "firm"
    answer = said(editor.post("/edit/", fields, headers=HTMX))
    assert (answer["tone"], answer["sentence"][:13]) == ("bad", "Choose a firm")
    assert Account.objects.get().phase == phase
