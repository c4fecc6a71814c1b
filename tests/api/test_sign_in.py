"""Signing in for a token, and what a token is worth."""

import json
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.api import tokens
from accounts.api.sign_in import WRONG
from accounts.models import ApiToken
from accounts.signin import mfa_required, rate_limit
from tests.api.program import Program, told
from tests.authenticator import PASSWORD as MADE_WITH
from tests.authenticator import Telephone
from tests.cast import VIEW
from tests.factories import make_user
from tests.valkey import PrivateValkey

pytestmark = pytest.mark.django_db
PASSWORD = "a long password"


def sign_in(address: str = "127.0.0.1", **typed: str) -> HttpResponse:
    client = Client(REMOTE_ADDR=address)
    answer: Any = client.post("/api/auth/login", json.dumps(typed), "application/json")
    assert isinstance(answer, HttpResponse)
    return answer


@pytest.fixture
def username(valkey: PrivateValkey) -> str:
    user = make_user(*VIEW)
    user.set_password(PASSWORD)
    user.save(update_fields=["password"])
    return user.username


def test_user_and_password_give_a_token_that_lets_in_until_it_is_given_back(username: str) -> None:
    signed = told(sign_in(username=username, password=PASSWORD), 200)
    assert signed["success"] is True
    bearer = {"Authorization": f"Bearer {signed['token']}"}
    client = Client(headers=bearer)
    assert client.get("/api/accounts").status_code == 200
    assert client.get("/api/auth/verify").json()["valid"] is True
    assert client.post("/api/auth/logout").json()["success"] is True
    assert told(client.get("/api/accounts"), 401)["detail"]
    assert client.get("/api/auth/verify").json()["valid"] is False


def test_of_a_token_only_a_digest_is_kept(username: str) -> None:
    key = told(sign_in(username=username, password=PASSWORD), 200)["token"]
    row = ApiToken.objects.values().get()
    assert key not in str(row)
    assert key.startswith(row["start"])


@pytest.mark.both_databases
@pytest.mark.parametrize("password", ["wrong", "", "\x00", "x" * 4096])
def test_a_wrong_password_gives_nothing(username: str, password: str) -> None:
    refused = told(sign_in(username=username, password=password), 401)
    assert (refused["success"], refused["detail"]) == (False, "Wrong user name or password.")
    assert not ApiToken.objects.exists()


@pytest.mark.both_databases
@pytest.mark.parametrize("name", ["a\0b", "\N{GRINNING FACE}", "x" * 150])
def test_no_name_is_an_error(username: str, name: str) -> None:
    assert told(sign_in(username=name, password=PASSWORD), 401)["detail"] == WRONG


def test_the_password_alone_is_enough_for_the_user_that_the_desk_has_named(
    username: str, settings: Settings
) -> None:
    assert "named none" in told(sign_in(password=PASSWORD), 401)["detail"]
    settings.API_PASSWORD_USER = username
    assert told(sign_in(password=PASSWORD), 200)["token"]


@pytest.mark.usefixtures("one_minute")
def test_too_many_attempts_are_put_off_even_with_the_right_password(
    username: str, settings: Settings
) -> None:
    settings.API_LOGINS_PER_MINUTE = 3
    for _ in range(4):
        last = sign_in(username=username, password="wrong")
    assert told(last, 429)["detail"] == "Too many attempts to sign in: wait a minute."
    assert sign_in(username=username, password=PASSWORD).headers["Retry-After"] == "60"


@pytest.mark.usefixtures("one_minute")
def test_one_address_locks_nobody_out_and_many_addresses_may_not_guess_on(
    username: str, settings: Settings
) -> None:
    settings.API_LOGINS_PER_MINUTE, settings.SIGN_INS_PER_HOUR = 3, 30
    for _ in range(8):
        sign_in(username=username, password="wrong", address="198.51.100.7")
    told(sign_in(username=username, password=PASSWORD), 200)
    for host in range(30):
        sign_in(username=username, password="wrong", address=f"198.51.100.{host + 8}")
    told(sign_in(username=username, password=PASSWORD, address="203.0.113.9"), 429)


def test_nobody_signs_in_while_attempts_cannot_be_counted(
    username: str, settings: Settings
) -> None:
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": "unix:///nowhere"}}
    refused = sign_in(username=username, password=PASSWORD)
    assert rate_limit.NOT_COUNTED in told(refused, 503)["detail"]
    assert refused.headers["Retry-After"] == "5"


def test_reading_goes_on_while_requests_cannot_be_counted(
    username: str, settings: Settings
) -> None:
    program = Program(make_user(*VIEW))
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": "unix:///nowhere"}}
    assert program.get("accounts")["total_accounts"] == 0


@pytest.mark.usefixtures("one_minute")
def test_more_requests_than_allowed_wait(valkey: PrivateValkey, settings: Settings) -> None:
    settings.API_REQUESTS_PER_MINUTE = 2
    busy, other = Program(make_user(*VIEW)), Program(make_user(*VIEW))
    for _ in range(3):
        last = busy.ask("GET", "accounts")
    assert told(last, 429)["detail"] == "Too many requests: wait a moment."
    assert int(last.headers["Retry-After"]) > 0
    assert other.ask("GET", "accounts").status_code == 200


def revoke(program: Program) -> None:
    assert program.token.revoke()


def expire(program: Program) -> None:
    ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))


def disable(program: Program) -> None:
    User.objects.update(is_active=False)


def change_password(program: Program) -> None:
    program.user.set_password("another long password")
    program.user.save(update_fields=["password"])


def rotate_keys(program: Program) -> None:
    """The former key of the server does not count any more."""
    django_settings.SECRET_KEY = "another key of the server"  # noqa: S105


def wrong(address: str = "127.0.0.1", key: str = "mt5m_wrong") -> Client:
    return Client(headers={"Authorization": f"Bearer {key}"}, REMOTE_ADDR=address)


@pytest.mark.usefixtures("one_minute")
def test_wrong_tokens_from_many_networks_fill_the_log_with_few_lines(
    valkey: PrivateValkey, settings: Settings, caplog: pytest.LogCaptureFixture, db: None
) -> None:
    settings.API_WRONG_TOKENS_PER_MINUTE = 1
    for host in range(tokens.LINES_PER_MINUTE + 5):
        assert wrong(f"198.51.100.{host}").get("/api/accounts").status_code == 401
    lines = [line for line in caplog.messages if "Wrong tokens" in line]
    assert len(lines) == tokens.LINES_PER_MINUTE


@pytest.mark.usefixtures("one_minute")
def test_whoever_sends_wrong_tokens_is_put_off_and_those_beside_them_go_on(
    valkey: PrivateValkey, settings: Settings
) -> None:
    settings.API_WRONG_TOKENS_PER_MINUTE = 3
    program, late = Program(make_user(*VIEW)), Program(make_user(*VIEW))
    program.get("accounts")
    paths = ("/api/accounts", "/api/auth/verify", "/api/cache/stats")
    for path in paths * 2:
        last = wrong().get(path)
    assert "Too many wrong tokens" in told(last, 429)["detail"]
    assert 0 < int(last.headers["Retry-After"]) <= 61
    # A token that was never right here says nothing, whichever it is; one that was goes on.
    assert late.ask("GET", "accounts").status_code == 429
    assert program.get("accounts")
    assert wrong("127.0.0.2").get("/api/accounts").status_code == 401
    # One that has ended is a wrong one.
    program.token.revoke()
    assert program.ask("GET", "accounts").status_code == 401
    assert program.ask("GET", "accounts").status_code == 429


@pytest.mark.parametrize("sent", [None, "Basic eDp5", "Bearer"])
@pytest.mark.usefixtures("one_minute")
def test_requests_that_say_nobody_are_counted_by_address(
    valkey: PrivateValkey, settings: Settings, sent: str | None
) -> None:
    settings.API_REQUESTS_PER_MINUTE = 2
    client = Client(headers={} if sent is None else {"Authorization": sent})
    for _ in range(3):
        last = client.get("/api/accounts")
    assert told(last, 429)["detail"] == "Too many requests: wait a moment."
    assert Program(make_user(*VIEW)).get("accounts")


@pytest.mark.parametrize("by", ["token", "session"])
@pytest.mark.usefixtures("one_minute")
def test_requests_that_are_forbidden_are_counted(
    valkey: PrivateValkey, settings: Settings, by: str
) -> None:
    settings.API_REQUESTS_PER_MINUTE = 2
    stranger = make_user()
    client = Client(enforce_csrf_checks=True)
    if by == "session":
        client.force_login(stranger)
    else:
        client = Client(headers={"Authorization": f"Bearer {Program(stranger).key}"})
    seen = [client.post("/api/refresh").status_code for _ in range(3)]
    assert seen == [403, 403, 429]


@pytest.mark.both_databases
@pytest.mark.parametrize("end", [revoke, expire, disable, change_password, rotate_keys])
def test_a_token_that_has_ended_lets_nobody_in(
    valkey: PrivateValkey, settings: Settings, end: Callable[[Program], None]
) -> None:
    settings.SECRET_KEY = "the key of the server"  # put back after the test
    program = Program(make_user(*VIEW))
    assert program.get("accounts")
    end(program)
    refused = told(program.ask("GET", "accounts"), 401)["detail"]
    assert "wrong, has expired, was revoked" in refused
    verified = Client(headers={"Authorization": f"Bearer {program.key}"}).get("/api/auth/verify")
    assert verified.json()["valid"] is False


def test_tokens_outlive_a_key_of_the_server_that_is_on_its_way_out(
    valkey: PrivateValkey, settings: Settings
) -> None:
    settings.SECRET_KEY = "the key of the server"
    program = Program(make_user(*VIEW))
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", ["the key of the server"]
    assert program.get("accounts")


def test_a_token_may_no_more_than_its_user_may_now(valkey: PrivateValkey) -> None:
    program = Program(make_user(*VIEW))
    assert program.get("accounts")
    program.user.user_permissions.clear()
    assert "view_account" in told(program.ask("GET", "accounts"), 403)["detail"]


@pytest.mark.both_databases
def test_since_the_migration_older_tokens_too_end_when_a_password_changes(
    valkey: PrivateValkey,
) -> None:
    program = Program(make_user(*VIEW))
    ApiToken.objects.update(password_mark="")
    assert program.ask("GET", "accounts").status_code == 401
    import_module("accounts.migrations.0010_token_password_mark").mark(apps, None)
    assert program.get("accounts")
    change_password(program)
    assert program.ask("GET", "accounts").status_code == 401


def test_a_token_reaches_no_further_than_its_scopes_and_its_user(valkey: PrivateValkey) -> None:
    user = make_user(*VIEW)
    narrow = Program(user, ["accounts.view_agent"])
    assert narrow.ask("GET", "agents/status").status_code == 200
    assert "accounts.view_account" in told(narrow.ask("GET", "accounts"), 403)["detail"]
    wide = Program(user, ["trading.trade", "accounts.view_account"])
    assert wide.ask("POST", "accounts/1/trade/close", {"ticket": 1}).status_code == 403


def test_a_page_that_is_signed_in_may_read_and_needs_the_csrf_token_to_change(
    valkey: PrivateValkey,
) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user(*VIEW))
    assert client.get("/api/accounts").status_code == 200
    refused = client.post("/api/refresh")
    assert (refused.status_code, refused["Content-Type"]) == (403, "application/json")


def test_a_wrong_token_is_not_made_up_for_by_a_session(valkey: PrivateValkey) -> None:
    client = Client(headers={"Authorization": "Bearer wrong"})
    client.force_login(make_user(*VIEW))
    assert client.get("/api/accounts").status_code == 401


@pytest.mark.both_databases
def test_the_last_use_of_a_token_is_kept_to_the_minute(valkey: PrivateValkey) -> None:
    program = Program(make_user(*VIEW))
    program.get("accounts")
    first = ApiToken.objects.get().used_at
    assert first is not None
    program.get("accounts")
    assert ApiToken.objects.get().used_at == first


def test_signing_out_without_a_token_ends_the_session(valkey: PrivateValkey) -> None:
    client = Client()
    client.force_login(make_user(*VIEW))
    assert told(client.post("/api/auth/logout"), 200)["message"] == "Signed out."
    assert client.get("/api/accounts").status_code == 401


# --- a second factor ----------------------------------------------------------------------------
@pytest.fixture
def telephone(valkey: PrivateValkey, monkeypatch: pytest.MonkeyPatch) -> Telephone:
    return Telephone(monkeypatch)


@pytest.mark.parametrize("named", [True, False])
def test_who_has_a_second_factor_sends_a_code_as_well(
    telephone: Telephone, settings: Settings, named: bool
) -> None:
    user = telephone.set_up(*VIEW)
    settings.API_PASSWORD_USER = user.username
    known = {"password": MADE_WITH} | ({"username": user.username} if named else {})
    missing = told(sign_in(**known), 401)
    assert (missing["mfa_required"], missing["success"]) == (True, False)
    assert "code" in missing["detail"]
    wrong = told(sign_in(**known, code="000000"), 401)
    assert (wrong["mfa_required"], "wrong" in wrong["detail"]) == (True, True)
    code = telephone.code()
    assert told(sign_in(**known, code=code), 200)["token"]
    assert told(sign_in(**known, code=code), 401)["mfa_required"] is True
    assert told(sign_in(**known, code=telephone.recovery_codes[0]), 200)["token"]
    assert ApiToken.objects.count() == 2


def test_a_right_code_does_not_make_up_for_a_wrong_password(telephone: Telephone) -> None:
    user = telephone.set_up(*VIEW)
    refused = told(sign_in(username=user.username, password="wrong", code=telephone.code()), 401)
    assert (refused["detail"], "mfa_required" in refused) == ("Wrong user name or password.", False)
    assert told(sign_in(username=user.username, password=MADE_WITH, code=telephone.code()), 200)


def test_a_trader_without_one_sets_it_up_on_the_page_first(
    telephone: Telephone, settings: Settings
) -> None:
    settings.MFA_REQUIRED = True
    user = make_user(*VIEW, "trading.trade")
    refused = told(sign_in(username=user.username, password=MADE_WITH), 403)
    assert (refused["detail"], refused["success"]) == (mfa_required.MISSING, False)
    viewer = make_user(*VIEW)
    assert told(sign_in(username=viewer.username, password=MADE_WITH), 200)["token"]


def test_a_token_goes_on_where_a_session_is_held_back(
    telephone: Telephone, settings: Settings
) -> None:
    program = Program(make_user(*VIEW, "trading.trade"))
    settings.MFA_REQUIRED = True
    assert program.get("accounts")["total_accounts"] == 0
    program.client.force_login(program.user)
    assert program.client.get("/api/accounts").status_code == 403
    assert program.client.get("/api/auth/verify").status_code == 200
