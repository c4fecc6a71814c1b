"""Who may do what, at every address: denied unless it stands here.

Each route of the site is asked with each method by each of the cast. A route that the table does
not know fails the first test: say there who may use it. Sockets are in tests/live/test_access.py,
the API is in tests/api/test_access.py.
"""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.cookies import SimpleCookie
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.http import HttpResponseBase
from django.template import Template
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from accounts.models import Account, ApiToken, Conflict, SignIn, VSGroup
from accounts.models.sign_in import How
from accounts.polling import poller
from tests.access import QUERIES, TABLE
from tests.cast import ROLES, somebody
from tests.factories import (
    make_account,
    make_deal,
    make_firm,
    make_online_agent,
    make_order,
    make_phase,
    make_position,
    make_standing,
    make_trade,
    make_user,
    make_versus,
)
from trading import history, quotes
from trading.models import OrderEvent, TradeLimit, TradingSwitch
from trading.sizing import Refused
from trading.versus.changes import append

pytestmark = [pytest.mark.django_db, pytest.mark.long]


# Each role that may not asks by one of these as well, in turn.
RARE = ("head", "put", "patch", "delete")


def routes(resolver: URLResolver, before: str = "") -> Iterator[str]:
    for pattern in resolver.url_patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield route
        else:
            yield from routes(pattern, route)


@pytest.fixture(autouse=True)
def _says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who gets in is asked here, not what they read: a third of the time went into that."""
    monkeypatch.setattr(Template, "_render", lambda *_: "")


@pytest.fixture(autouse=True)
def _asks_no_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poller, "refresh", lambda agents, **_: iter(()))
    monkeypatch.setattr(quotes, "fresh", _no_quote)
    nothing = history.Outcome(4711, True, "Nothing new.")
    monkeypatch.setattr(history, "sync", lambda account, **_: nothing)


def _no_quote(account: Account, symbol: str) -> None:
    raise Refused("There is no quote in tests.")


@pytest.fixture(scope="module")
def sessions(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[dict[str, SimpleCookie]]:
    """What the browser of each of the cast keeps; each is the same person in all tests."""
    with django_db_blocker.unblock():
        cookies = {role: browser(role).cookies for role in ROLES}
    yield cookies
    with django_db_blocker.unblock():
        Session.objects.all().delete()
        User.objects.all().delete()


@pytest.fixture
def path(db: None) -> Callable[[str], str]:
    """An address of this route where there is something."""
    account = make_account(number=4711, vs_group=VSGroup.objects.create(name="VS1"), vs_slot="A")
    agent = make_online_agent()
    conflict = Conflict.objects.create(
        agent=agent, number=4711, kind=Conflict.Kind.TWO_AGENTS, since=timezone.now()
    )
    objects: dict[str, Any] = {
        "account": account,
        "agent": agent,
        "conflict": conflict,
        "apitoken": ApiToken.issue(make_user(), "a script", timedelta(days=1))[0],
        "signin": SignIn.objects.create(
            user=make_user(),
            was_refused=False,
            how=How.PASSWORD,
            network="192.0.2.1",
            day=timezone.now().date(),
            first_at=timezone.now(),
            last_at=timezone.now(),
        ),
        "phase": make_phase("spare"),
        "firm": make_firm(),
        "vsgroup": account.vs_group,
        "order": make_order(account),
        "closedtrade": make_trade(account),
        "deal": make_deal(account),
        "tradelimit": TradeLimit.objects.create(),
        "standingacknowledgement": make_standing(make_user()),
        "tradingswitch": TradingSwitch.objects.get(),
        "user": make_user(),
        "group": Group.objects.create(name="desk"),
    }
    position = make_position(account)
    objects["orderevent"] = OrderEvent.objects.create(
        order=objects["order"], at=timezone.now(), state="queued", text="placed"
    )
    given = {"account:number": "4711", "int:pk": str(agent.pk), "path:content_type_id": "1"}
    given["int:ticket"] = str(position.ticket)
    objects["versus"] = make_versus(objects["user"], account_a=account)
    objects["versusevent"] = append(objects["versus"], "Created.")
    given["str:code"] = objects["versus"].code

    def address(route: str) -> str:
        model = route.split("/")[2] if route.count("/") > 2 else ""
        pk = str(objects[model].pk) if model in objects else "1"
        known = given | {"path:object_id": pk, "id": pk}
        if route.startswith("orders/"):
            known["int:pk"] = str(objects["order"].pk)
        text = route.replace("(?P<app_label>accounts|auth|trading)", "accounts")
        text = text.replace("(?P<url>.*)", "no/such/page").replace("([^/]+)", pk)
        text = re.sub(r"<([a-z_:]+)>", lambda match: known[match[1]], text.strip("$"))
        text = text.replace("^", "")
        return f"/{text}?{QUERIES.get(route, '')}"

    return address


def browser(role: str, **options: Any) -> Client:
    client = Client(**options)
    if user := somebody(role):
        client.force_login(user)
    return client


def was_let_in(response: HttpResponseBase) -> bool:
    """Not sent to sign in, not forbidden, not told that there is no such thing or method."""
    if response.status_code in (301, 302):
        return "login/?next=" not in response.headers["Location"]
    return response.status_code < 300 or response.status_code in (400, 422)


def test_every_address_stands_in_the_table() -> None:
    pages = {route for route in routes(get_resolver()) if not route.startswith(("api/", "^api/"))}
    assert sorted(pages) == sorted(TABLE)


@pytest.mark.parametrize("route", TABLE)
def test_only_those_in_the_table_get_in(
    path: Callable[[str], str], sessions: dict[str, SimpleCookie], route: str
) -> None:
    address = path(route)
    may = TABLE[route]
    let_in: dict[str, set[str]] = {"get": set(), "post": set()}
    turn = list(TABLE).index(route)
    # The boss is last: a POST of theirs may delete what the others ask for.
    for at, role in enumerate(ROLES, turn):
        client = Client()
        client.cookies = SimpleCookie(sessions[role])
        if role not in may.get | may.post:
            method = RARE[at % len(RARE)]
            assert not was_let_in(getattr(client, method)(address)), (role, method)
        for method, who in let_in.items():
            if was_let_in(getattr(client, method)(address)):
                who.add(role)
    assert let_in == {"get": may.get, "post": may.post}


def test_nothing_is_changed_by_a_form_of_another_site(path: Callable[[str], str]) -> None:
    client = browser("boss", enforce_csrf_checks=True)
    accepted = [route for route in TABLE if client.post(path(route)).status_code != 403]
    assert accepted == []


# --- what one address does for some and not for others ----------------------------------------

NEEDED = {
    "phase": "accounts.change_phase",
    "firm": "accounts.change_account",
    "pair": "accounts.change_vs",
    "unpair": "accounts.change_vs",
}


def labels() -> list[tuple[Any, ...]]:
    rows = Account.objects.order_by("number")
    return list(rows.values_list("phase__name", "firm__name", "vs_group__name"))


@pytest.mark.parametrize("action", NEEDED)
def test_an_edit_of_a_selection_needs_the_permission_of_its_action(action: str) -> None:
    free = [make_account() for _ in range(2)]
    pair = VSGroup.objects.create(name="VS1")
    bound = [make_account(vs_group=pair, vs_slot=slot) for slot in "AB"]
    numbers = [account.number for account in (bound if action == "unpair" else free)]
    sent = {"action": action, "accounts": numbers, "phase": make_phase("R").pk}
    sent["firm"] = make_firm().pk
    before = labels()
    for permissions in [set(NEEDED.values()) - {NEEDED[action]}, {NEEDED[action]}]:
        client = Client()
        client.force_login(make_user("accounts.view_account", *permissions))
        client.post("/edit/", sent)
        assert (labels() != before) is (NEEDED[action] in permissions)


def test_staff_who_may_only_look_have_no_action_but_to_refresh() -> None:
    request = RequestFactory().get("/admin/")
    request.user = somebody("auditor")
    offered = {
        action
        for model in filter(admin.site.is_registered, apps.get_models())
        for action in admin.site.get_model_admin(model).get_actions(request)
    }
    assert offered == {"refresh_now"}


def test_staff_who_may_only_look_change_nothing_by_naming_an_action() -> None:
    agent, account = make_online_agent(), make_account(phase=make_phase("F1"))
    client = browser("auditor")
    acts = ["disable", "enable", "poll_now", "test_connection", "delete_selected", "set_firm"]
    acts.append(f"set_phase_{make_phase('R').pk}")
    for model, row in (("agent", agent), ("account", account)):
        for action in acts:
            sent = {"action": action, "_selected_action": row.pk, "index": "0", "post": "yes"}
            client.post(f"/admin/accounts/{model}/", sent)
    client.post("/admin/accounts/account/", {**_list_form(account.pk), "_save": "Save"})
    assert labels() == [("F1", None, None)]
    assert type(agent).objects.filter(enabled=True, next_poll_at=agent.next_poll_at).exists()


def _list_form(pk: int) -> dict[str, object]:
    count = {"form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1"}
    return count | {"form-0-id": pk, "form-0-phase": make_phase("R").pk, "form-0-vs_group": "mine"}


def test_what_a_form_does_not_show_cannot_be_sent_with_it() -> None:
    account = make_account(number=4711)
    agent = account.agent
    assert agent is not None
    sent = {"number": 1, "balance": 1, "connected": "", "agent": "", "status": "error", "name": "x"}
    sent |= {"url": "http://10.0.0.5", "contract": "1", "secret_encrypted": "x", "etag": "x"}
    client = browser("boss")
    for page in (f"/admin/accounts/account/{account.pk}/", f"/admin/accounts/agent/{agent.pk}/"):
        client.post(f"{page}change/", sent | {"initial-name": agent.name})
    account.refresh_from_db()
    agent.refresh_from_db()
    assert (account.number, account.balance, account.agent) == (4711, 100_000, agent)
    assert (agent.status, agent.secret_encrypted, agent.etag) == ("online", None, "")
