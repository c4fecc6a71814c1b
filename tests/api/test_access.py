"""Who may do what through the API: denied unless it stands here, for sessions and for tokens."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import ApiToken
from accounts.polling import poller
from mt5monitor.api.site import api
from tests.access import (
    ANYBODY,
    AUDITORS,
    BOSS,
    EDITORS,
    SIGNED_IN,
    STAFF,
    TRADERS,
    VIEWERS,
    Roles,
)
from tests.cast import ROLES, somebody
from tests.factories import make_account, make_order, make_user, make_versus
from trading import quotes
from trading.sizing import Refused

pytestmark = pytest.mark.django_db
METHODS = ("get", "post", "put", "patch", "delete")
TABLE: dict[tuple[str, str], Roles] = {
    ("post", "/api/auth/login"): ANYBODY,
    ("post", "/api/auth/logout"): SIGNED_IN,
    ("get", "/api/auth/verify"): ANYBODY,
    ("get", "/api/agents/status"): VIEWERS,
    ("post", "/api/refresh"): VIEWERS,
    ("get", "/api/cache/stats"): VIEWERS,
    ("get", "/api/statistics"): VIEWERS,
    ("get", "/api/accounts"): VIEWERS,
    ("get", "/api/accounts/{number}"): VIEWERS,
    ("put", "/api/accounts/{number}/phase"): EDITORS,
    ("put", "/api/accounts/{number}/vs"): EDITORS,
    ("get", "/api/accounts/{number}/positions"): VIEWERS,
    ("get", "/api/accounts/{number}/trade-history"): VIEWERS,
    ("post", "/api/accounts/{number}/trade/open"): TRADERS,
    ("post", "/api/accounts/{number}/trade/close"): TRADERS,
    ("put", "/api/accounts/{number}/trade/modify"): TRADERS,
    ("post", "/api/sync-to-sheets"): BOSS,
    ("post", "/api/accounts/{number}/sync-trades-to-sheets"): BOSS,
    ("get", "/api/orders"): VIEWERS,
    ("get", "/api/orders/{id}"): VIEWERS,
    ("get", "/api/versus"): AUDITORS,
    ("post", "/api/versus"): BOSS,
    ("get", "/api/versus/feature-status"): SIGNED_IN,
    ("get", "/api/versus/{code}"): AUDITORS,
    ("delete", "/api/versus/{code}"): BOSS,
    ("post", "/api/versus/{code}/congelar"): BOSS,
    ("post", "/api/versus/{code}/transferir"): BOSS,
    ("post", "/api/versus/{code}/close"): BOSS,
}


@pytest.fixture(autouse=True)
def _asks_no_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poller, "refresh", lambda agents, **_: iter(()))
    monkeypatch.setattr(quotes, "fresh", _no_quote)


def _no_quote(*_: object) -> None:
    raise Refused("There is no quote in tests.")


@pytest.fixture
def path(db: None) -> Callable[[str], str]:
    """An address of this route where there is something."""
    account = make_account(number=4711)
    versus = make_versus(make_user(), account_a=account)
    known = {"{number}": "4711", "{id}": str(make_order(account).pk), "{code}": versus.code}

    def address(route: str) -> str:
        for name, value in known.items():
            route = route.replace(name, value)
        return route

    return address


def documented() -> Iterator[tuple[str, str]]:
    for route, operations in api.get_openapi_schema()["paths"].items():
        yield from ((method, route) for method in operations)


def was_let_in(client: Client, method: str, address: str) -> bool:
    """Not 401 and not 403: what it sends is wrong, and says so, to those who may."""
    answer: Any = client.generic(method.upper(), address, b"{}", "application/json")
    assert answer.headers["Content-Type"] == "application/json", (method, address)
    assert answer.status_code < 500 or answer.status_code == 503, (method, address)
    return answer.status_code not in (401, 403)


def test_every_operation_stands_in_the_table() -> None:
    assert sorted(documented()) == sorted(TABLE)


@pytest.mark.parametrize(("method", "route"), TABLE)
def test_only_those_in_the_table_get_in(
    path: Callable[[str], str], method: str, route: str
) -> None:
    by_session, by_token = set(), set()
    for role in ROLES:
        user, session, program = somebody(role), Client(), Client()
        if user is not None:
            session.force_login(user)
            key = ApiToken.issue(user, "all", timedelta(hours=1))[1]
            program = Client(headers={"Authorization": f"Bearer {key}"})
        if was_let_in(session, method, path(route)) or _is_login(route):
            by_session.add(role)
        if was_let_in(program, method, path(route)) or _is_login(route):
            by_token.add(role)
    assert by_session == by_token == TABLE[method, route]


def _is_login(route: str) -> bool:
    """It refuses what was sent with 401, whoever asks."""
    return route == "/api/auth/login"


@pytest.mark.parametrize(("method", "route"), TABLE)
def test_a_token_without_its_scope_gets_nowhere(
    path: Callable[[str], str], method: str, route: str
) -> None:
    boss = somebody("boss")
    key = ApiToken.issue(boss, "nothing", timedelta(hours=1), [])[1]
    client = Client(headers={"Authorization": f"Bearer {key}"})
    free = TABLE[method, route] in (ANYBODY, SIGNED_IN)
    assert (was_let_in(client, method, path(route)) or _is_login(route)) is free


# Of those that are no GET: what a token reads with, and is given back with.
READS = {("post", "/api/refresh"), ("post", "/api/auth/login"), ("post", "/api/auth/logout")}


@pytest.mark.parametrize(("method", "route"), TABLE)
def test_a_token_without_a_second_factor_reads_and_does_nothing_else(
    path: Callable[[str], str], settings: Settings, method: str, route: str
) -> None:
    settings.MFA_REQUIRED = True
    boss = somebody("boss")
    key = ApiToken.issue(boss, "all", timedelta(hours=1))[1]
    client = Client(headers={"Authorization": f"Bearer {key}"})
    reads = method == "get" or (method, route) in READS
    assert (was_let_in(client, method, path(route)) or _is_login(route)) is reads


def test_no_other_method_does_anything(path: Callable[[str], str]) -> None:
    client = Client()
    client.force_login(somebody("boss"))  # type: ignore[arg-type]
    routes = {route for _, route in TABLE}
    for route in routes:
        for method in METHODS:
            if (method, route) not in TABLE:
                answer = getattr(client, method)(path(route))
                assert answer.status_code == 405, (method, route)


def test_an_address_that_is_none_says_so_in_json() -> None:
    for address in ("/api/", "/api/nothing", "/api/accounts/4711/nothing"):
        answer = Client().get(address)
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/json")


def test_its_documents_wear_the_colours_of_the_pages() -> None:
    client = Client()
    client.force_login(make_user(is_staff=True))
    page = client.get("/api/docs").content.decode()
    scripts = ["theme.js", "docs.js", "swagger-ui-bundle.js", "swagger-ui-init.js"]
    assert [page.find(name) for name in scripts] == sorted(page.find(name) for name in scripts)
    assert all(name in page for name in scripts)


@pytest.mark.parametrize("page", ["/api/docs", "/api/openapi.json"])
def test_its_documents_are_for_staff(page: str) -> None:
    let_in = set()
    for role in ROLES:
        client = Client()
        if user := somebody(role):
            client.force_login(user)
        if client.get(page).status_code == 200:
            let_in.add(role)
    assert let_in == STAFF
