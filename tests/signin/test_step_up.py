"""Asked again who it is: a browser that was found open makes no token and switches nothing on."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings as configured
from django.contrib.auth.models import Group, User
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.utils import timezone
from pytest_django import Settings

from accounts import approvals
from accounts.models import Agent, ApiToken
from accounts.signin import step_up
from mt5monitor.api.site import api
from tests.authenticator import PASSWORD, Telephone
from tests.factories import make_agent, make_user
from tests.pages.reading import text
from tests.valkey import PrivateValkey
from trading.models import TradingSwitch

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_minute", "asked")]
TITLE = "Confirm that it is you"
RIGHTS = {"is_staff": "on", "is_active": "on", "is_superuser": "on"}
JOINED = {"date_joined_0": "2026-01-01", "date_joined_1": "10:00"}
PROOF = {"proof-password": PASSWORD}


@pytest.fixture
def asked(settings: Settings) -> None:
    settings.STEP_UP_S = 600


@pytest.fixture
def telephone(valkey: PrivateValkey, monkeypatch: pytest.MonkeyPatch) -> Telephone:
    return Telephone(monkeypatch)


@pytest.fixture
def boss(valkey: PrivateValkey) -> User:
    return make_user(is_staff=True, is_superuser=True)


@pytest.fixture
def found(boss: User) -> Client:
    """A browser in which the boss signed in an hour ago."""
    client = Client()
    client.force_login(boss)
    return client


def sent_again(page: Any) -> dict[str, list[str]]:
    """What the page that asks carries along, as a browser would send it."""
    fields: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page):
        fields.setdefault(unescape(name), []).append(unescape(value))
    return fields


# --- what needs it ----------------------------------------------------------------------------
def token(user: User) -> tuple[str, dict[str, Any], Callable[[], bool]]:
    fields = {"user": user.pk, "name": "a “script”", "days": 9}
    fields["reach"] = ["accounts.view_agent", "accounts.view_account"]  # type: ignore[assignment]

    def is_done() -> bool:
        made = ApiToken.objects.filter(name="a “script”").first()
        return made is not None and made.scopes == fields["reach"]

    return "/admin/accounts/apitoken/add/", fields, is_done


def the_switch(user: User) -> tuple[str, dict[str, Any], Callable[[], bool]]:
    fields = {"turn": "on", "reason": "the news is out"}
    return "/trading/switch/", fields, is_on


def the_switch_in_the_admin(user: User) -> tuple[str, dict[str, Any], Callable[[], bool]]:
    fields = {"is_on": "on", "reason": "the news is out"}
    return f"/admin/trading/tradingswitch/{TradingSwitch.PK}/change/", fields, is_on


def is_on() -> bool:
    return TradingSwitch.objects.filter(is_on=True, reason="the news is out").exists()


def an_agent(user: User) -> tuple[str, dict[str, Any], Callable[[], bool]]:
    agent = make_agent(trading_enabled=False)
    fields = {
        **{"name": agent.name, "url": agent.url, "enabled": "on", "contract": agent.contract},
        **{"trading_enabled": "on"},
    }

    def is_done() -> bool:
        return Agent.objects.filter(pk=agent.pk, trading_enabled=True).exists()

    return f"/admin/accounts/agent/{agent.pk}/change/", fields, is_done


def a_new_user(user: User) -> tuple[str, dict[str, Any], Callable[[], bool]]:
    words = {"password1": "rain-on-a-roof", "password2": "rain-on-a-roof"}
    fields = {"username": "thief", "usable_password": "true", **words}
    return "/admin/auth/user/add/", fields, User.objects.filter(username="thief").exists


def rights(user: User) -> tuple[str, dict[str, Any], Callable[[], bool]]:
    other = make_user()
    fields = {"username": other.username, **RIGHTS, **JOINED}
    is_done = User.objects.filter(pk=other.pk, is_superuser=True).exists
    return f"/admin/auth/user/{other.pk}/change/", fields, is_done


def a_password_of_another(user: User) -> tuple[str, dict[str, Any], Callable[[], bool]]:
    other = make_user()
    words = {"password1": "rain-on-a-roof", "password2": "rain-on-a-roof"}

    def is_done() -> bool:
        return User.objects.get(pk=other.pk).check_password("rain-on-a-roof")

    page = f"/admin/auth/user/{other.pk}/password/"
    return page, {"usable_password": "true", **words}, is_done


def a_group(user: User) -> tuple[str, dict[str, Any], Callable[[], bool]]:
    is_done = Group.objects.filter(name="desk").exists
    return "/admin/auth/group/add/", {"name": "desk"}, is_done


WHAT = [
    *(token, the_switch, the_switch_in_the_admin, an_agent),
    *(a_new_user, rights, a_password_of_another, a_group),
]


@pytest.mark.parametrize("what", WHAT)
def test_it_is_done_after_the_proof_with_all_that_was_typed(
    found: Client, boss: User, what: Callable[[User], tuple[str, Any, Callable[[], bool]]]
) -> None:
    page, fields, is_done = what(boss)
    shown = text(found.post(page, fields))
    assert TITLE in shown
    assert not is_done()
    carried = sent_again(shown)
    assert "password is wrong" in text(found.post(page, carried | {"proof-password": "a guess"}))
    assert not is_done()
    assert found.post(page, carried | PROOF).status_code == 302
    assert is_done()


def test_removing_the_second_factors_of_others_needs_it(
    telephone: Telephone, found: Client
) -> None:
    other = telephone.set_up()
    action = {"action": "remove_second_factor", "_selected_action": [other.pk]}
    shown = text(found.post("/admin/auth/user/", action))
    assert TITLE in shown
    assert other.authenticator_set.exists()
    found.post("/admin/auth/user/", sent_again(shown) | PROOF)
    assert not other.authenticator_set.exists()


def test_switching_trading_on_through_many_agents_needs_it(found: Client) -> None:
    agents = [make_agent(trading_enabled=False) for _ in range(2)]
    action = {"action": "switch_trading_on", "_selected_action": [one.pk for one in agents]}
    seen = {f"seen_{one.pk}": f"{one.contract} {one.url}" for one in agents}
    shown = text(found.post("/admin/accounts/agent/", action | seen | {"confirm": "1"}))
    assert TITLE in shown
    assert not Agent.objects.filter(trading_enabled=True).exists()
    found.post("/admin/accounts/agent/", sent_again(shown) | PROOF)
    assert Agent.objects.filter(trading_enabled=True).count() == 2


def test_a_second_action_in_the_request_does_not_hide_the_first(found: Client) -> None:
    """The admin runs the one that "index" names, not the last."""
    agent = make_agent(trading_enabled=False)
    fields = {"action": ["switch_trading_on", "poll_now"], "index": "0", "confirm": "1"}
    fields |= {"_selected_action": [agent.pk], f"seen_{agent.pk}": f"{agent.contract} {agent.url}"}
    assert TITLE in text(found.post("/admin/accounts/agent/", fields))
    assert not Agent.objects.filter(trading_enabled=True).exists()


def test_so_does_approving_an_agent_that_is_on_and_was_never_approved(found: Client) -> None:
    agent = make_agent(trading_enabled=True)
    fields = {"name": agent.name, "url": agent.url, "enabled": "on", "contract": agent.contract}
    fields |= {"trading_enabled": "on", "initial-trading_enabled": "False"}
    assert TITLE in text(found.post(f"/admin/accounts/agent/{agent.pk}/change/", fields))
    assert not agent.approvals.exists()


# --- what does not ----------------------------------------------------------------------------
def test_stopping_never_waits_for_a_proof(found: Client) -> None:
    TradingSwitch.objects.update(is_on=True, instance=configured.INSTANCE_ID)
    found.post("/trading/switch/", {"turn": "off", "reason": ""})
    assert not TradingSwitch.objects.get().is_on


def test_nor_does_an_agent_that_trades_already(found: Client) -> None:
    agent = make_agent(trading_enabled=True)
    approvals.approve_as([agent], "a boss")
    fields = {"name": "renamed", "url": agent.url, "enabled": "on", "contract": agent.contract}
    page = f"/admin/accounts/agent/{agent.pk}/change/"
    assert found.post(page, fields | {"trading_enabled": "on"}).status_code == 302
    agent.refresh_from_db()
    assert agent.name == "renamed"


def test_whoever_may_not_do_it_is_not_asked(valkey: PrivateValkey) -> None:
    client = Client()
    client.force_login(make_user(is_staff=True))
    assert client.post("/admin/accounts/apitoken/add/", {"name": "x"}).status_code == 403
    assert client.post("/trading/switch/", {"turn": "on", "reason": "x"}).status_code == 403


def test_a_sign_in_is_a_proof_for_ten_minutes(boss: User, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client()
    client.post("/login/", {"username": boss.username, "password": PASSWORD})
    page, fields, is_done = token(boss)
    assert client.post(page, fields).status_code == 302
    assert is_done()
    signed_in = timezone.now()
    for seconds in (601, -3600):  # too long ago; or the clock was set back since
        clock = SimpleNamespace(now=lambda s=seconds: signed_in + timedelta(seconds=s))
        monkeypatch.setattr(step_up, "timezone", clock)
        assert TITLE in text(client.post(page, fields))


# --- the proof itself -------------------------------------------------------------------------
def test_whoever_has_a_second_factor_shows_it_as_well(telephone: Telephone) -> None:
    boss, client = telephone.set_up(is_staff=True, is_superuser=True), Client()
    client.force_login(boss)
    page, fields, is_done = token(boss)
    assert TITLE in text(client.post(page, fields | PROOF))
    assert "code is wrong" in text(client.post(page, fields | PROOF | {"proof-code": "000000"}))
    assert not is_done()
    code = {"proof-code": telephone.code()}
    assert client.post(page, fields | PROOF | code).status_code == 302
    assert is_done()


def test_a_view_that_needs_it_gets_the_form_without_the_proof(boss: User, found: Client) -> None:
    seen = []

    def view(request: HttpRequest, what: str) -> HttpResponse:
        if page := step_up.challenge(request):
            return page
        seen.append((request.method, what, request.POST.dict()))
        return HttpResponse(what)

    for method, fields in (("get", {}), ("post", {"a": "1"}), ("post", {"a": "2"} | PROOF)):
        request = getattr(RequestFactory(), method)("/", fields)
        request.user, request.session = boss, found.session
        request.htmx = False
        answer = view(request, "it")
        assert (answer.content == b"it") == (fields != {"a": "1"})
    assert seen == [("GET", "it", {}), ("POST", "it", {"a": "2"})]


def test_a_thief_of_a_session_does_not_guess_the_password_there(
    found: Client, boss: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accounts.signin.rate_limit.KNOWN_PER_HOUR", 3)
    page, fields, is_done = token(boss)
    for guess in range(3):
        found.post(page, fields | {"proof-password": f"guess-{guess}"})
    assert found.post(page, fields | PROOF).status_code == 429
    assert not is_done()


def test_what_is_typed_is_data_on_the_page_that_asks(found: Client, boss: User) -> None:
    page, fields, _ = token(boss)
    evil = '"><script>alert(1)</script>'
    shown = text(found.post(page, fields | {"name": evil, evil: evil}))
    assert "<script>alert" not in shown
    assert sent_again(shown)[evil] == [evil]


# --- programs ---------------------------------------------------------------------------------
def test_no_token_reaches_what_needs_it(found: Client, boss: User) -> None:
    """Programs cannot be asked for a proof: they have no route to it, and pages take no token."""
    paths = " ".join(api.get_openapi_schema()["paths"])
    assert not re.search(r"switch|token|user|group", paths)
    key = ApiToken.issue(boss, "a script", timedelta(days=1))[1]
    bearer = Client(headers={"Authorization": f"Bearer {key}"})
    for what in WHAT:
        page, fields, is_done = what(boss)
        assert bearer.post(page, fields).status_code == 302  # to sign in
        assert not is_done()
