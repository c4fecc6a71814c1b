"""Signing in with a second factor, and setting one up."""

import base64
import re
import time

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from accounts.signin import rate_limit
from accounts.views import sessions
from mt5monitor.sessions import SessionStore
from tests.authenticator import PASSWORD, Telephone, confirm, is_in, sign_in
from tests.factories import make_user
from tests.pages.reading import text, words
from tests.valkey import PrivateValkey

pytestmark = pytest.mark.django_db
VIEW = "accounts.view_account"


# --- signing in -------------------------------------------------------------------------------
def test_after_the_password_a_code_of_the_app_signs_in(telephone: Telephone) -> None:
    client = sign_in(telephone.set_up(VIEW), "/?sort=-balance")
    assert not is_in(client)
    assert "wrong" in text(client.post("/login/code/", {"code": "000000"}))
    assert not is_in(client)
    shown = telephone.code()
    answer = client.post("/login/code/", {"code": f"{shown[:3]} {shown[3:]}"})
    assert answer.headers["Location"] == "/?sort=-balance"
    assert is_in(client)


def test_a_link_whose_end_is_no_address_signs_in_all_the_same(telephone: Telephone) -> None:
    client = sign_in(telephone.set_up(VIEW), "nowhere")
    assert client.post("/login/code/", {"code": telephone.code()}).status_code == 302
    assert is_in(client)


def test_nobody_shares_a_session_that_waits_for_a_code(
    telephone: Telephone, settings: Settings
) -> None:
    planted = SessionStore()
    planted["x"] = 1
    planted.create()
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = planted.session_key or ""
    typed = {"username": telephone.set_up(VIEW).username, "password": PASSWORD}
    assert client.post("/login/", typed).headers["Location"] == "/login/code/"
    assert client.get("/login/code/").status_code == 200
    assert sessions.HALF not in SessionStore(planted.session_key)


def test_no_code_of_the_app_is_good_twice_as_long_as_it_is_right(telephone: Telephone) -> None:
    user = telephone.set_up(VIEW)
    seen = telephone.code(1)  # the telephone's clock may be ahead by a period
    assert sign_in(user).post("/login/code/", {"code": seen}).status_code == 302
    for _ in range(3):
        assert sign_in(user).post("/login/code/", {"code": seen}).status_code == 200
        telephone.later()


def test_the_code_that_set_it_up_signs_nobody_in(telephone: Telephone) -> None:
    user = telephone.set_up(VIEW)
    assert sign_in(user).post("/login/code/", {"code": telephone.code(-1)}).status_code == 200


def test_a_recovery_code_signs_in_once(telephone: Telephone) -> None:
    user = telephone.set_up(VIEW)
    code = telephone.recovery_codes[3]
    assert sign_in(user).post("/login/code/", {"code": code}).status_code == 302
    client = sign_in(user)
    assert client.post("/login/code/", {"code": code}).status_code == 200
    assert not is_in(client)


def test_a_code_without_the_password_is_nothing(telephone: Telephone) -> None:
    telephone.set_up(VIEW)
    answer = Client().post("/login/code/", {"code": telephone.code()})
    assert answer.headers["Location"] == "/login/"


@pytest.mark.parametrize("ends", ["late", "another password", "disabled"])
def test_a_password_waits_for_its_code_for_a_while(
    telephone: Telephone, monkeypatch: pytest.MonkeyPatch, ends: str
) -> None:
    user = telephone.set_up(VIEW)
    client = sign_in(user)
    if ends == "late":
        now = time.time()
        monkeypatch.setattr("accounts.views.sessions.time.time", lambda: now + sessions.HALF_S + 1)
    elif ends == "disabled":
        User.objects.filter(pk=user.pk).update(is_active=False)
    else:
        user.set_password("another-secret")
        user.save(update_fields=["password"])
    answer = client.post("/login/code/", {"code": telephone.code()})
    assert answer.headers["Location"] == "/login/"


@pytest.mark.usefixtures("one_minute")
def test_too_many_attempts_on_the_page_are_put_off_as_by_the_api(
    valkey: PrivateValkey, settings: Settings
) -> None:
    settings.API_LOGINS_PER_MINUTE = 3
    user = make_user(VIEW)
    for _ in range(4):
        answer = Client().post("/login/", {"username": user.username, "password": "wrong"})
    assert answer.status_code == 429
    assert rate_limit.TOO_OFTEN in text(answer)
    assert not is_in(sign_in(user))
    typed = f'{{"username": "{user.username}", "password": "{PASSWORD}"}}'
    assert Client().post("/api/auth/login", typed, "application/json").status_code == 429


@pytest.mark.usefixtures("one_minute")
def test_codes_are_not_guessed_by_the_thousand(
    telephone: Telephone, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.API_LOGINS_PER_MINUTE = 1000
    monkeypatch.setattr(rate_limit, "CODES_PER_HOUR", 3)
    user = telephone.set_up(VIEW)
    client = sign_in(user)
    for guess in range(4):
        client.post("/login/code/", {"code": f"{guess:06}"})
    assert rate_limit.TOO_MANY_CODES in text(
        client.post("/login/code/", {"code": telephone.code()})
    )
    rate_limit.forget_codes(user.pk)
    telephone.later()
    assert client.post("/login/code/", {"code": telephone.code()}).status_code == 302


def test_nobody_signs_in_on_the_page_while_attempts_cannot_be_counted(settings: Settings) -> None:
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": "unix:///nowhere"}}
    user = make_user(VIEW)
    answer = Client().post("/login/", {"username": user.username, "password": PASSWORD})
    assert answer.status_code == 503
    assert rate_limit.NOT_COUNTED in text(answer)
    assert not is_in(sign_in(user))


# --- the page of one's own sign-in ------------------------------------------------------------
def test_an_app_is_set_up_by_its_first_code_and_told_recovery_codes_once(
    telephone: Telephone,
) -> None:
    user = make_user(VIEW)
    client, other = sign_in(user), sign_in(user)
    page = text(client.get("/security/app/"))
    telephone.read(page)
    assert text(client.get("/security/app/")).count(telephone.secret[:4])  # it stays the same
    picture = re.search(r'src="data:image/svg\+xml;base64,([^"]+)"', page)
    assert picture is not None
    assert b"<svg" in base64.b64decode(picture[1])
    assert "password is wrong" in confirm(client, "app", telephone.code(), "not it")
    assert "not the code" in confirm(client, "app", "000000")
    told = confirm(client, "app", telephone.code())
    codes = re.findall(r"\b\d{5} \d{5}\b", told)
    assert len(codes) == 10
    assert is_in(client)
    assert not is_in(other)  # it had shown the password alone
    security = words(text(client.get("/security/")))
    assert "10 recovery codes left" in security
    assert codes[0] not in security
    assert sign_in(user).post("/login/code/", {"code": codes[0]}).status_code == 302


def test_no_secret_is_in_the_database_as_it_is(telephone: Telephone) -> None:
    client = sign_in(make_user(VIEW))
    telephone.read(text(client.get("/security/app/")))
    assert telephone.secret not in str(dict(client.session))
    confirm(client, "app", telephone.code())
    rows = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert telephone.secret not in rows
    assert "seed" in rows


def test_new_recovery_codes_take_the_place_of_the_old(telephone: Telephone) -> None:
    user = telephone.set_up(VIEW)
    client = sign_in(user)
    client.post("/login/code/", {"code": telephone.recovery_codes[0]})
    new = re.findall(r"\b\d{5} \d{5}\b", confirm(client, "codes", telephone.code()))
    assert len(new) == 10
    for code, status in ((telephone.recovery_codes[1], 200), (new[1], 302)):
        assert sign_in(user).post("/login/code/", {"code": code}).status_code == status


def test_it_is_turned_off_with_password_and_code_and_ends_other_sessions(
    telephone: Telephone,
) -> None:
    user = telephone.set_up(VIEW)
    client, other = sign_in(user), sign_in(user)
    for browser, code in zip((client, other), telephone.recovery_codes, strict=False):
        browser.post("/login/code/", {"code": code})
    assert "password is wrong" in confirm(client, "off", telephone.code(), "not it")
    assert "code is wrong" in confirm(client, "off", "000000")
    assert Authenticator.objects.filter(user=user).exists()
    assert "turned off" in confirm(client, "off", telephone.code())
    assert (is_in(client), is_in(other), is_in(sign_in(user))) == (True, False, True)


def test_signing_out_everywhere_ends_every_session_of_this_user_alone(
    valkey: PrivateValkey,
) -> None:
    user, somebody_else = make_user(VIEW), sign_in(make_user(VIEW))
    first, second = sign_in(user), sign_in(user)
    assert first.post("/security/sign-out/").headers["Location"] == "/login/"
    assert (is_in(first), is_in(second), is_in(somebody_else)) == (False, False, True)
