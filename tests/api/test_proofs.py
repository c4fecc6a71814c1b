"""Attacks with API tokens on the second factor: what ends a token, and when it reads only."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from accounts.events.access import by_key
from accounts.live.access import check
from accounts.models import ApiToken
from accounts.signin import proofs, second_factor
from tests.api.program import told
from tests.authenticator import PASSWORD, Telephone, confirm, sign_in
from tests.cast import VIEW
from tests.factories import make_account, make_user
from tests.trading.desk import Desk
from tests.valkey import PrivateValkey
from trading.models import Order

pytestmark = pytest.mark.django_db
TRADER = (*VIEW, "trading.trade")
TRADE = {"symbol": "EURUSD", "lot": 0.1, "order_type": "BUY"}


@pytest.fixture(autouse=True)
def _required(settings: Settings) -> None:
    settings.MFA_REQUIRED = True


@pytest.fixture
def telephone(valkey: PrivateValkey, monkeypatch: pytest.MonkeyPatch) -> Telephone:
    return Telephone(monkeypatch)


def token_for(user: User, code: str = "") -> Client:
    """A program that has signed in for a token as `user`."""
    typed = {"username": user.username, "password": PASSWORD} | ({"code": code} if code else {})
    answer: Any = Client().post("/api/auth/login", json.dumps(typed), "application/json")
    return Client(headers={"Authorization": f"Bearer {told(answer, 200)['token']}"})


def trade(program: Client, number: int = 4711) -> Any:
    path = f"/api/accounts/{number}/trade/open"
    return program.post(path, json.dumps(TRADE), "application/json")


def edit(program: Client) -> Any:
    sent = json.dumps({"phase": "none of this name"})
    return program.put("/api/accounts/4711/phase", sent, "application/json")


def give(user: User, codename: str) -> None:
    user.user_permissions.add(Permission.objects.get(codename=codename))


def assert_reads_only(program: Client) -> None:
    refused = told(trade(program), 403)["detail"]
    assert "second factor" in refused
    assert "new token" in refused
    assert not Order.objects.exists()
    assert program.get("/api/accounts").status_code == 200
    assert "reads only" in program.get("/api/auth/verify").json()["message"]


def assert_ended(program: Client) -> None:
    assert trade(program).status_code == 401
    assert program.get("/api/accounts").status_code == 401
    assert program.get("/api/auth/verify").json()["valid"] is False
    assert not Order.objects.exists()


@pytest.mark.parametrize("right", ["trade", "run_versus", "stop_trading"])
def test_a_token_from_before_its_user_could_trade_reads_only(
    valkey: PrivateValkey, right: str
) -> None:
    make_account(number=4711)
    user = make_user(*VIEW, "accounts.change_phase")
    program = token_for(user)
    assert edit(program).status_code == 400  # there is no such phase; but it could
    give(user, right)
    if right == "trade":
        assert_reads_only(program)
    assert "second factor" in told(edit(program), 403)["detail"]
    assert program.get("/api/accounts").status_code == 200


def reset(user: User) -> None:
    call_command("reset_mfa", user.username)


def remove_in_admin(user: User) -> None:
    boss_acts({"action": "remove_second_factor", "_selected_action": [user.pk], "index": "0"})


def boss_acts(sent: dict[str, Any], page: str = "") -> None:
    boss = make_user(is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(boss)
    from django.conf import settings

    settings.MFA_REQUIRED = False  # nobody asks the boss here
    try:
        assert client.post(f"/admin/auth/user/{page}", sent).status_code == 302
    finally:
        settings.MFA_REQUIRED = True


def sign_out_everywhere(user: User) -> None:
    client = Client()
    client.force_login(user)
    assert client.post("/security/sign-out/").status_code == 302


def disable_for_a_while(user: User) -> None:
    sent = {"username": user.username, "is_active": ""}
    sent |= {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    rights = list(user.user_permissions.values_list("pk", flat=True))
    boss_acts(sent | {"user_permissions": rights}, f"{user.pk}/change/")
    assert not User.objects.get(pk=user.pk).is_active
    User.objects.filter(pk=user.pk).update(is_active=True)


@pytest.mark.both_databases
@pytest.mark.parametrize("end", [reset, remove_in_admin, sign_out_everywhere, disable_for_a_while])
def test_a_token_ends_with_all_that_signs_its_user_in(
    telephone: Telephone, end: Callable[[User], None]
) -> None:
    make_account(number=4711)
    user = telephone.set_up(*TRADER)
    program = token_for(user, telephone.code())
    assert trade(program).status_code == 503  # trading is off; but it could
    end(user)
    assert_ended(program)


@pytest.mark.both_databases
def test_a_token_reads_only_once_its_user_has_turned_the_second_factor_off(
    telephone: Telephone,
) -> None:
    make_account(number=4711)
    user = telephone.set_up(*TRADER)
    program = token_for(user, telephone.code())
    browser = sign_in(user)
    browser.post("/login/code/", {"code": telephone.recovery_codes[0]})
    assert "turned off" in confirm(browser, "off", telephone.recovery_codes[1])
    assert_reads_only(program)
    # Another telephone does not prove what the first one did.
    telephone.read(browser.get("/security/app/").content.decode())
    assert "recovery codes" in confirm(browser, "app", telephone.code())
    assert_reads_only(program)
    telephone.later()
    assert trade(token_for(user, telephone.code())).status_code == 503


@pytest.mark.both_databases
def test_what_listens_goes_on_while_its_token_reads_and_closes_when_it_ends(
    telephone: Telephone,
) -> None:
    """The same check as at every beat of /ws and of server-sent events."""
    user = telephone.set_up(*TRADER)
    lasts, proof = timedelta(days=1), proofs.now(user, second_factor.app_of(user))
    holder = by_key(ApiToken.issue(user, "a script", lasts, proof=proof)[1], "127.0.0.1")
    second_factor.remove(user, by="itself", but="its session")
    assert check([holder]) == {}
    assert "account_update" in holder.kinds
    proofs.end_all(user.pk)
    assert check([holder])[holder].code == 4401


def test_a_sign_in_that_a_reset_overtakes_makes_a_token_that_has_ended(
    telephone: Telephone, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = telephone.set_up(*VIEW)
    check = second_factor.check

    def overtaken(user: User, *typed: str) -> Any:
        shown = check(user, *typed)
        reset(user)
        return shown

    monkeypatch.setattr(second_factor, "check", overtaken)
    assert token_for(user, telephone.code()).get("/api/accounts").status_code == 401


def test_a_token_trades_while_its_second_factor_stands(telephone: Telephone, desk: Desk) -> None:
    desk.trader = telephone.set_up(*TRADER)
    program = token_for(desk.trader, telephone.code())
    number = desk.accounts["1"].number
    assert told(trade(program, number), 200)["success"] is True
    order = Order.objects.get()
    token = ApiToken.objects.get()
    assert (order.proof.kind, order.token) == ("totp", token)
    assert order.factor == token.factor is not None
    reset(desk.trader)
    assert trade(program, number).status_code == 401
    assert len(desk.sent("1")) == 1
