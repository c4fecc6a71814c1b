"""Standing acknowledgements in the admin: given by a person who may, and revoked."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client

from accounts.models import ApiToken
from tests.factories import make_standing, make_user
from tests.pages.reading import text, words
from trading.models import StandingAcknowledgement

pytestmark = pytest.mark.django_db
LIST = "/admin/trading/standingacknowledgement/"
MAY = ("trading.view_standingacknowledgement", "trading.acknowledge_firm_rules")


@pytest.fixture
def giver() -> User:
    return make_user(*MAY, "auth.view_user", is_staff=True)


@pytest.fixture
def client(giver: User) -> Client:
    client = Client()
    client.force_login(giver)
    return client


@pytest.mark.both_databases
def test_it_is_given_in_the_name_of_who_is_signed_in(client: Client, giver: User) -> None:
    script = make_user()
    sent = {"user": script.pk, "reason": "Agreed with both firms.", "days": 30}
    client.post(f"{LIST}add/", sent, follow=True)
    given = StandingAcknowledgement.objects.get()
    assert (given.user, given.given_by, given.giver) == (script, giver, giver.username)
    assert given.expires_at - given.given_at == pytest.approx(
        timedelta(days=30), abs=timedelta(seconds=5)
    )
    assert "Agreed with both firms." in text(client.get(LIST))


@pytest.mark.both_databases
def test_a_token_of_another_user_is_refused_at_its_field(client: Client) -> None:
    token, _ = ApiToken.issue(make_user(), "a script", timedelta(days=1))
    sent = {"user": make_user().pk, "token": token.pk, "reason": "Agreed.", "days": 30}
    assert "This token belongs to" in words(text(client.post(f"{LIST}add/", sent)))
    assert not StandingAcknowledgement.objects.exists()


def test_without_the_permission_nothing_is_given_or_revoked() -> None:
    standing, client = make_standing(make_user()), Client()
    client.force_login(make_user(MAY[0], is_staff=True))
    assert client.get(f"{LIST}add/").status_code == 403
    client.post(LIST, {"action": "revoke", "_selected_action": standing.pk})
    standing.refresh_from_db()
    assert standing.revoked_at is None


@pytest.mark.both_databases
def test_it_is_revoked_and_stays_on_the_list(client: Client) -> None:
    standing = make_standing(make_user())
    sent = {"action": "revoke", "_selected_action": standing.pk}
    assert "Revoked: 1 of 1." in words(text(client.post(LIST, sent, follow=True)))
    assert "revoked" in text(client.get(LIST))
