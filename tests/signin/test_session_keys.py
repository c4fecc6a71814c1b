"""A session gets a new key with each proof: one that was stolen before gains nothing by it."""

import pytest
from django.conf import settings as configured
from django.test import Client
from pytest_django import Settings

from accounts.models import ApiToken, KnownDevice
from mt5monitor.sessions import SessionStore
from tests.authenticator import PASSWORD, Telephone, confirm
from tests.factories import make_user
from tests.pages.reading import text
from tests.valkey import PrivateValkey

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_minute")]


def key_of(client: Client) -> str:
    return client.cookies[configured.SESSION_COOKIE_NAME].value


def test_a_key_that_was_stolen_before_the_proof_is_worth_nothing_after(
    valkey: PrivateValkey, settings: Settings
) -> None:
    settings.STEP_UP_S = 600
    client = Client()
    client.force_login(make_user("accounts.add_apitoken"))
    stolen = key_of(client)
    client.post("/tokens/", {"name": "a script", "days": 9, "proof-password": PASSWORD})
    assert ApiToken.objects.filter(name="a script").exists()
    assert key_of(client) != stolen
    assert not SessionStore().exists(stolen)
    assert client.get("/security/").status_code == 200


@pytest.mark.parametrize("first", ["the thief", "the user"])
def test_a_thief_does_not_know_the_secret_of_the_app_that_is_set_up(
    telephone: Telephone, first: str
) -> None:
    user, client, thief = make_user(), Client(), Client()
    client.post("/login/", {"username": user.username, "password": PASSWORD})
    thief.cookies[configured.SESSION_COOKIE_NAME] = key_of(client)
    one, other = (thief, client) if first == "the thief" else (client, thief)
    assert one.get("/security/app/").status_code == 200
    assert other.get("/security/app/").headers["Location"].startswith("/login/")


def test_so_it_is_when_a_factor_is_set_up(telephone: Telephone) -> None:
    user, client = make_user(), Client()
    client.post("/login/", {"username": user.username, "password": PASSWORD})
    telephone.read(text(client.get("/security/app/")))
    stolen = key_of(client)
    confirm(client, "app", telephone.code())
    assert key_of(client) != stolen
    assert not SessionStore().exists(stolen)
    assert client.get("/security/").status_code == 200
    assert KnownDevice.objects.filter(user=user).count() == 1


@pytest.mark.parametrize("page", ["codes", "off"])
def test_so_it_is_where_the_factor_is_shown_to_change_it(telephone: Telephone, page: str) -> None:
    """What was shown there counts for the session, so a thief of its key must not have it too."""
    user, client = telephone.set_up(), Client()
    client.force_login(user)
    stolen = key_of(client)
    confirm(client, page, telephone.code())
    assert key_of(client) != stolen
    assert not SessionStore().exists(stolen)
    assert client.get("/security/").status_code == 200
