"""Signing in with a second factor, setting one up, and being held back without one."""

import base64
import re
import time

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from pytest_django import Settings

from accounts import attempts, gate
from accounts.live.frames import Refused
from accounts.programs.access import by_session
from accounts.views import sessions
from tests.authenticator import PASSWORD, Telephone, sign_in
from tests.cast import ROLES, somebody
from tests.factories import make_user
from tests.live.page import session_of
from tests.pages.reading import HTMX, text, words
from tests.valkey import PrivateValkey

pytestmark = pytest.mark.django_db
VIEW = "accounts.view_account"
TRADER = (VIEW, "trading.trade")


@pytest.fixture
def telephone(valkey: PrivateValkey, monkeypatch: pytest.MonkeyPatch) -> Telephone:
    return Telephone(monkeypatch)


@pytest.fixture
def required(settings: Settings) -> None:
    settings.MFA_REQUIRED = True


def is_in(client: Client) -> bool:
    return client.get("/").status_code == 200


def confirm(client: Client, page: str, code: str, password: str = PASSWORD) -> str:
    """What the page says then."""
    answer = client.post(f"/security/{page}/", {"password": password, "code": code}, follow=True)
    return words(text(answer))


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


def test_too_many_attempts_on_the_page_are_put_off_as_by_the_api(
    valkey: PrivateValkey, settings: Settings
) -> None:
    settings.API_LOGINS_PER_MINUTE = 3
    user = make_user(VIEW)
    for _ in range(6):  # two minutes may meet here
        answer = Client().post("/login/", {"username": user.username, "password": "wrong"})
    assert answer.status_code == 429
    assert attempts.TOO_OFTEN in text(answer)
    assert not is_in(sign_in(user))
    typed = f'{{"username": "{user.username}", "password": "{PASSWORD}"}}'
    assert Client().post("/api/auth/login", typed, "application/json").status_code == 429


def test_codes_are_not_guessed_by_the_thousand(
    telephone: Telephone, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.API_LOGINS_PER_MINUTE = 1000
    monkeypatch.setattr(attempts, "CODES_PER_HOUR", 3)
    user = telephone.set_up(VIEW)
    client = sign_in(user)
    for guess in range(7):  # two hours may meet here
        client.post("/login/code/", {"code": f"{guess:06}"})
    assert attempts.TOO_MANY_CODES in text(client.post("/login/code/", {"code": telephone.code()}))
    attempts.forget_codes(user.pk)
    telephone.later()
    assert client.post("/login/code/", {"code": telephone.code()}).status_code == 302


def test_nobody_signs_in_on_the_page_while_attempts_cannot_be_counted(settings: Settings) -> None:
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": "unix:///nowhere"}}
    assert not is_in(sign_in(make_user(VIEW)))


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


# --- of whom it is required -------------------------------------------------------------------
def test_it_is_required_of_those_who_may_trade(required: None) -> None:
    assert {role for role in ROLES if role != "anonymous" and gate.is_required(somebody(role))} == {
        "trader",
        "boss",
    }


def test_the_two_ways_to_ask_of_whom_it_is_required_agree(required: None) -> None:
    desk = Group.objects.create(name="desk")
    desk.permissions.add(Permission.objects.get(codename="run_versus"))
    users = [make_user("trading.trade"), make_user("trading.view_versus", VIEW), make_user()]
    users += [make_user(is_superuser=True), make_user("trading.stop_trading", "trading.trade")]
    users[2].groups.add(desk)
    expected = {user.pk for user in users if gate.is_required(User.objects.get(pk=user.pk))}
    assert gate.required_of({user.pk for user in users}) == expected
    assert len(expected) == 4


@pytest.mark.parametrize("path", ["/", "/orders/", "/logs/", "/accounts/1/", "/trading/switch/"])
def test_nothing_opens_to_a_trader_without_one(
    required: None, valkey: PrivateValkey, path: str
) -> None:
    client = sign_in(make_user(*TRADER))
    assert client.get(path).headers["Location"] == "/security/app/"
    assert client.post(path).headers["Location"] == "/security/app/"
    assert client.get(path, headers=HTMX).headers["HX-Redirect"] == "/security/app/"


def test_neither_the_admin_nor_its_documents_nor_streams_open(
    required: None, valkey: PrivateValkey
) -> None:
    client = sign_in(make_user(is_staff=True, is_superuser=True))
    assert client.get("/admin/").headers["Location"] == "/security/app/"
    for path in ("/api/accounts", "/api/docs", "/events/accounts", "/events/positions"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["detail"]) == (403, gate.MISSING)


def test_neither_sockets_nor_streams_of_programs_open(required: None) -> None:
    trader, viewer = make_user(*TRADER), make_user(VIEW)
    with pytest.raises(Refused, match="second factor"):
        by_session(trader, session_of(trader))
    assert by_session(viewer, session_of(viewer)).kinds


def test_a_session_that_is_held_back_gets_nowhere_by_naming_a_token(
    required: None, valkey: PrivateValkey
) -> None:
    client = sign_in(make_user(*TRADER))
    for path in ("/api/accounts", "/events/accounts", "/events/positions"):
        answer = client.get(path, headers={"Authorization": "Bearer nothing"})
        assert answer.status_code == 401


def test_the_page_to_set_it_up_leads_nowhere_else_until_it_is(
    required: None, telephone: Telephone
) -> None:
    client = sign_in(make_user(*TRADER))
    page = text(client.get("/security/app/"))
    assert "<nav" not in page
    assert "Nothing else opens" in page
    telephone.read(page)
    confirm(client, "app", telephone.code())
    assert is_in(client)
    assert "<nav" in text(client.get("/security/"))


def test_a_trader_who_turns_it_off_is_held_back_at_once(
    required: None, telephone: Telephone
) -> None:
    user = telephone.set_up(*TRADER)
    client = sign_in(user)
    client.post("/login/code/", {"code": telephone.code()})
    assert is_in(client)
    confirm(client, "off", telephone.recovery_codes[0])
    assert client.get("/").headers["Location"] == "/security/app/"


def test_a_session_from_before_it_was_set_up_signs_in_anew(
    required: None, telephone: Telephone
) -> None:
    client = Client()
    client.force_login(telephone.set_up(*TRADER))
    assert client.get("/orders/").headers["Location"] == "/login/?next=/orders/"
    assert not client.session.get("_auth_user_id")


def test_those_who_only_look_go_on_without_one(required: None, valkey: PrivateValkey) -> None:
    client = sign_in(make_user(VIEW))
    assert is_in(client)
    assert client.get("/api/accounts").status_code == 200


def test_a_desk_may_turn_it_off(valkey: PrivateValkey, settings: Settings) -> None:
    settings.MFA_REQUIRED = False
    assert is_in(sign_in(make_user(*TRADER)))


def test_whoever_is_held_back_may_sign_out(required: None, valkey: PrivateValkey) -> None:
    client = sign_in(make_user(*TRADER))
    assert client.post("/logout/").headers["Location"] == "/login/"
    assert not client.session.get("_auth_user_id")


def test_no_page_of_the_library_is_reachable(valkey: PrivateValkey) -> None:
    client = sign_in(make_user(is_superuser=True, is_staff=True))
    for path in ("/accounts/signup/", "/accounts/email/", "/accounts/2fa/", "/accounts/login/"):
        assert client.get(path).status_code == 404
