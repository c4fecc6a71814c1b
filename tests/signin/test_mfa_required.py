"""Whoever may trade and has shown no second factor is held back."""

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.live.access import of_session
from accounts.live.frames import Refused
from accounts.signin import mfa_required
from tests.authenticator import Telephone, confirm, is_in, sign_in
from tests.cast import ROLES, somebody
from tests.factories import make_user
from tests.live.page import session_of
from tests.pages.reading import HTMX, text
from tests.valkey import PrivateValkey

pytestmark = pytest.mark.django_db
VIEW = "accounts.view_account"
TRADER = (VIEW, "trading.trade")


@pytest.fixture
def required(settings: Settings) -> None:
    settings.MFA_REQUIRED = True


def test_it_is_required_of_those_who_may_trade(required: None) -> None:
    assert {
        role for role in ROLES if role != "anonymous" and mfa_required.is_required(somebody(role))
    } == {
        "trader",
        "boss",
    }


def test_the_two_ways_to_ask_of_whom_it_is_required_agree(required: None) -> None:
    desk = Group.objects.create(name="desk")
    desk.permissions.add(Permission.objects.get(codename="run_versus"))
    users = [make_user("trading.trade"), make_user("trading.view_versus", VIEW), make_user()]
    users += [make_user(is_superuser=True), make_user("trading.stop_trading", "trading.trade")]
    users[2].groups.add(desk)
    expected = {user.pk for user in users if mfa_required.is_required(User.objects.get(pk=user.pk))}
    assert mfa_required.required_of({user.pk for user in users}) == expected
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
        assert (answer.status_code, answer.json()["detail"]) == (403, mfa_required.MISSING)


def test_neither_sockets_nor_streams_of_programs_open(required: None) -> None:
    trader, viewer = make_user(*TRADER), make_user(VIEW)
    with pytest.raises(Refused, match="second factor"):
        of_session(trader, session_of(trader))
    assert of_session(viewer, session_of(viewer)).kinds


def test_a_session_that_is_held_back_gets_nowhere_by_naming_a_token(
    required: None, valkey: PrivateValkey
) -> None:
    client = sign_in(make_user(*TRADER))
    for path in ("/api/accounts", "/events/accounts", "/events/positions"):
        answer = client.get(path, headers={"Authorization": "Bearer nothing"})
        assert answer.status_code == 401
    boss = sign_in(make_user(is_staff=True, is_superuser=True))
    for path in ("/api/docs", "/api/openapi.json"):
        assert boss.get(path, headers={"Authorization": "Bearer nothing"}).status_code == 403


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


def test_a_page_costs_one_query_to_ask_whether_its_user_is_held_back(
    required: None, telephone: Telephone
) -> None:
    client = sign_in(telephone.set_up(*TRADER))
    client.post("/login/code/", {"code": telephone.code()})
    with CaptureQueriesContext(connection) as queries:
        assert "<nav" in text(client.get("/orders/"))
    assert sum("mfa_authenticator" in one["sql"] for one in queries) == 1


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
