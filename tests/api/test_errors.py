"""Whatever goes wrong under /api/ is told in JSON, with a fitting status and a sentence."""

import json
from typing import Any

import pytest
from django.db import DatabaseError
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from accounts.models import Account
from mt5monitor.api.fallback import errors_in_json
from mt5monitor.sessions import SessionStore
from tests.api.program import Program
from tests.cast import EDIT, VIEW
from tests.factories import make_account, make_user

pytestmark = pytest.mark.django_db
BODY = '{"phase": "F1"}'


@pytest.fixture
def client() -> Client:
    """A program that may edit."""
    make_account(number=4711)
    return Client(headers={"Authorization": f"Bearer {Program(make_user(*VIEW, *EDIT)).key}"})


def ask(client: Client, method: str, path: str, body: Any = b"", **headers: Any) -> Any:
    return client.generic(method, path, body, "application/json", headers=headers)


def detail(answer: Any, status: int) -> str:
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/json")
    text = json.loads(answer.content)["detail"]
    assert text
    assert "<" not in text
    return str(text)


@pytest.mark.parametrize("method", ["POST", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
def test_another_method_is_told_which_there_are(client: Client, method: str) -> None:
    answer = ask(client, method, "/api/accounts/4711")
    assert detail(answer, 405) == "This address takes GET, HEAD only."
    assert answer.headers["Allow"] == "GET, HEAD"


def test_a_method_that_only_changes_is_not_taken_for_reading(client: Client) -> None:
    for method in ("GET", "HEAD"):
        answer = ask(client, method, "/api/accounts/4711/phase")
        assert (answer.status_code, answer.headers["Allow"]) == (405, "PUT")


def test_head_is_what_get_is_without_its_body(client: Client) -> None:
    told, headed = ask(client, "GET", "/api/accounts"), ask(client, "HEAD", "/api/accounts")
    assert (headed.status_code, headed.content) == (200, b"")
    assert headed.headers["ETag"] == told.headers["ETag"]
    assert ask(Client(), "HEAD", "/api/accounts").status_code == 401


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[" * 100_000, b'{"phase": NaN', b"{}}"])
def test_a_body_that_is_no_json(client: Client, body: bytes) -> None:
    detail(ask(client, "PUT", "/api/accounts/4711/phase", body), 400)


def test_a_body_that_is_too_large(client: Client, settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    detail(ask(client, "PUT", "/api/accounts/4711/phase", BODY), 413)


@pytest.mark.both_databases
@pytest.mark.parametrize(
    "path",
    [
        *("/api/", "/api/accounts/", "/api/accounts/4711/", "/api/accounts/4711/nothing"),
        *("/api/accounts/4711/nothing/", "/api/accounts/1", "/api/versus/%00", "/api/%00"),
        *("/api/accounts/4711%00", "/api/versus/%F0%9F%98%80", "/api/versus/%ff"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nothing_is_there(path: str, method: str) -> None:
    """A method that nothing takes there is no better; nor is a number that is none."""
    boss = make_user(*VIEW, *EDIT, "trading.view_versus")
    make_account(number=4711)
    client = Client(
        headers={"Authorization": f"Bearer {Program(boss).key}"}, enforce_csrf_checks=True
    )
    answer = ask(client, method, path)
    detail(answer, answer.status_code)
    assert answer.status_code in {404, 405, 422}


def test_the_session_of_a_page_without_its_csrf_token() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user(*VIEW, *EDIT))
    make_account(number=4711)
    detail(ask(client, "PUT", "/api/accounts/4711/phase", BODY), 403)
    detail(ask(client, "POST", "/api/nothing"), 404)


def test_a_host_that_is_not_this_one(client: Client) -> None:
    for path in ("/api/accounts", "/api/nothing", "/api"):
        answer = ask(client, "GET", path, Host="elsewhere.example")
        assert detail(answer, 400) == "This request is not understood."


@pytest.mark.parametrize("origin", ["http://[", "null", "\x00", "https://evil.example"])
def test_an_origin_that_makes_no_sense_changes_nothing(client: Client, origin: str) -> None:
    answer = ask(client, "GET", "/api/nothing", Origin=origin)
    detail(answer, 404)


def test_what_fails_here_says_so_and_no_more(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise DatabaseError("the secret place of the database")

    monkeypatch.setattr(Account.objects, "for_rows", broken)
    answer = ask(client, "GET", "/api/accounts")
    assert "secret" not in detail(answer, 500)


def test_what_fails_before_any_operation_says_so_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: Any) -> None:
        raise DatabaseError("the secret place of the database")

    client = Client(raise_request_exception=False)
    client.force_login(make_user(*VIEW))
    monkeypatch.setattr(SessionStore, "load", broken)
    assert "secret" not in detail(client.get("/api/accounts"), 500)


def test_pages_keep_their_own_errors() -> None:
    client = Client()
    client.force_login(make_user(*VIEW))
    for path in ("/accounts/1/", "/apiary"):
        answer = client.get(path)
        assert (answer.status_code, answer["Content-Type"]) == (404, "text/html; charset=utf-8")


def test_a_body_that_was_compressed_leaves_no_trace(rf: Any) -> None:
    inner = HttpResponse(b"\x1f\x8b", status=502, headers={"Content-Encoding": "gzip"})
    inner.headers["Content-Length"] = "2"
    answer = errors_in_json(lambda request: inner)(rf.get("/api/accounts"))
    assert detail(answer, 502) == "Bad Gateway."  # type: ignore[arg-type]
    assert "Content-Encoding" not in inner.headers
    assert inner.headers["Content-Length"] == str(len(inner.content))
