"""Passkeys as a second factor; that browsers make them is in tests/browser/test_sign_in.py."""

import re
from html import unescape

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from pytest_django import Settings

from accounts.signin import passkeys, second_factor
from tests.authenticator import PASSWORD, Telephone, confirm, is_in, sign_in
from tests.factories import make_user
from tests.pages.reading import text, words
from tests.passkey import Device

pytestmark = pytest.mark.django_db
VIEW = "accounts.view_account"
SITE = {"host": "localhost:8000"}


@pytest.fixture
def passkey(telephone: Telephone) -> tuple[User, Authenticator]:
    user = telephone.set_up(VIEW)
    data = {"name": "Laptop", "credential": {}}
    kind = Authenticator.Type.WEBAUTHN
    return user, Authenticator.objects.create(user=user, type=kind, data=data)


@pytest.mark.parametrize(
    ("host", "secure", "possible"),
    [
        ("localhost:8000", False, True),
        ("127.0.0.1:8000", True, False),
        ("[::1]:8000", True, False),
        ("monitor.example.com", True, True),
        ("monitor.example.com", False, False),
    ],
)
def test_passkeys_are_for_sites_with_a_name_and_https(
    settings: Settings, host: str, secure: bool, possible: bool
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    request = RequestFactory(headers={"host": host}).get("/", secure=secure)
    assert passkeys.are_possible(request) is possible


@pytest.mark.parametrize(
    ("host", "leads_to"),
    [
        ("127.0.0.1:8000", "http://localhost:8000/security/"),
        ("[::1]:8000", "http://localhost:8000/security/"),
        ("127.0.0.1", "http://localhost/security/"),
        ("127.0.0.1:99999", "http://localhost:99999/security/"),
        ("10.0.0.5:8000", ""),
        ("monitor.example.com", ""),
    ],
)
def test_where_the_machine_is_ones_own_its_name_is_offered(
    settings: Settings, host: str, leads_to: str
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    request = RequestFactory(headers={"host": host}).get("/security/")
    assert passkeys.possible_at(request) == leads_to


def test_the_page_leads_there(telephone: Telephone) -> None:
    client = Client(headers={"host": "127.0.0.1:8000"})
    client.force_login(telephone.set_up(VIEW))
    assert 'href="http://localhost:8000/security/"' in text(client.get("/security/"))


@pytest.mark.parametrize(
    "sent",
    [
        *("", "{", "[]", "null", "{}", "[" * 9000, '{"id": 1}'),
        '{"id": "AA", "rawId": "AA", "type": "public-key", "response": {"clientDataJSON": "e30", '
        '"authenticatorData": "AA", "signature": "AA"}}',
    ],
)
def test_what_is_no_passkey_signs_nobody_in(telephone: Telephone, sent: str) -> None:
    client = sign_in(telephone.set_up(VIEW))
    answer = client.post("/login/code/", {"credential": sent})
    assert (answer.status_code, "passkey" in text(answer)) == (200, True)
    assert not is_in(client)


def test_a_passkey_is_made_by_its_own_page_alone(telephone: Telephone) -> None:
    user = telephone.set_up(VIEW)
    client = sign_in(user)
    client.post("/login/code/", {"code": telephone.code()})
    assert "Laptop" in text(client.get("/security/passkey/", headers=SITE))
    typed = {"password": PASSWORD, "code": telephone.recovery_codes[0], "name": "x"}
    for credential in ("{}", '{"id": "AA", "rawId": "AA", "response": {}}'):
        sent = {**typed, "credential": credential}
        assert "not made for this page" in text(
            client.post("/security/passkey/", sent, headers=SITE)
        )
    assert not passkeys.of(user).exists()
    assert second_factor.codes_left(user) == 10  # none was used up for it


def test_nobody_removes_somebody_elses_passkey(
    passkey: tuple[User, Authenticator], telephone: Telephone
) -> None:
    owner, row = passkey
    client = Client()
    client.force_login(make_user(VIEW, is_superuser=True))
    sent = {"password": PASSWORD, "code": telephone.code()}
    assert client.post(f"/security/passkey/{row.pk}/", sent).status_code == 404
    client.force_login(owner)
    assert "Remove Laptop" in words(text(client.get("/security/")))
    sent["password"] = "not it"
    assert client.post(f"/security/passkey/{row.pk}/", sent).status_code == 200
    assert passkeys.of(owner).exists()
    sent["password"] = PASSWORD
    assert client.post(f"/security/passkey/{row.pk}/", sent).status_code == 302
    assert not passkeys.of(owner).exists()


def test_turning_the_second_factor_off_takes_passkeys_along(
    passkey: tuple[User, Authenticator], telephone: Telephone
) -> None:
    client = Client()
    client.force_login(passkey[0])
    assert "turned off" in confirm(client, "off", telephone.code())
    assert not Authenticator.objects.exists()


def asked(client: Client, page: str) -> str:
    """What this page wants the browser to ask of a device."""
    found = re.search(r'data-asked="([^"]+)"', text(client.get(page, headers=SITE)))
    assert found is not None
    return unescape(found[1])


def add(telephone: Telephone, user: User, device: Device) -> None:
    client = sign_in(user)
    client.post("/login/code/", {"code": telephone.recovery_codes.pop()})
    typed = {"password": PASSWORD, "code": telephone.recovery_codes.pop(), "name": "Laptop"}
    typed["credential"] = device.made(asked(client, "/security/passkey/"))
    assert client.post("/security/passkey/", typed, headers=SITE).status_code == 302


def show(client: Client, credential: str) -> bool:
    """Whether it signed in."""
    client.post("/login/code/", {"credential": credential}, headers=SITE)
    return is_in(client)


def test_a_passkey_signs_in_and_what_it_said_is_worth_nothing_again(
    telephone: Telephone, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "operations")
    user, device = telephone.set_up(VIEW), Device()
    add(telephone, user, device)
    first, second = sign_in(user), sign_in(user)
    said = device.shown(asked(first, "/login/code/"))
    asked(second, "/login/code/")
    assert not show(second, said)  # it was asked of another browser
    assert show(first, said)
    assert f"{user.username} signed in, with a passkey" in caplog.text
    assert not show(sign_in(user), said)
    again = sign_in(user)
    question = asked(again, "/login/code/")
    assert not show(again, "{}")
    assert not show(again, device.shown(question))  # it was tried once already


@pytest.mark.parametrize("wrong", ["device", "user", "site", "page", "signature"])
def test_no_other_passkey_does(telephone: Telephone, wrong: str) -> None:
    user, device = telephone.set_up(VIEW), Device()
    add(telephone, user, device)
    client = sign_in(user)
    if wrong == "device":
        device = Device()
    elif wrong == "user":
        device = Device()
        add(telephone, telephone.set_up(VIEW), device)
    elif wrong == "site":
        device.host = Device("evil.example").host
    elif wrong == "page":
        device.origin = "https://evil.example"
    else:
        device.key = Device().key
    assert not show(client, device.shown(asked(client, "/login/code/")))


def test_a_passkey_turns_nothing_off_without_a_code(telephone: Telephone) -> None:
    user, device = telephone.set_up(VIEW), Device()
    add(telephone, user, device)
    client = sign_in(user)
    said = device.shown(asked(client, "/login/code/"))
    assert show(client, said)
    assert "Enter the code" in text(client.post("/security/off/", {"password": PASSWORD}))
    assert second_factor.has(user)
