"""Pages of other origins: nothing, unless the desk has listed theirs, and then by token alone."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from tests.api.program import Program
from tests.cast import VIEW
from tests.factories import make_user

pytestmark = pytest.mark.django_db
OTHER = "https://dashboard.example.com"
ASKS = {
    "Origin": OTHER,
    "Access-Control-Request-Method": "PUT",
    "Access-Control-Request-Headers": "authorization, idempotency-key",
}


def headers(answer: Any) -> dict[str, str]:
    told = {name.title(): text for name, text in answer.headers.items()}
    return {name: text for name, text in told.items() if name.startswith("Access-Control")}


def test_unless_origins_are_listed_no_browser_lets_another_page_read() -> None:
    program = Program(make_user(*VIEW))
    assert headers(program.ask("GET", "accounts", Origin=OTHER)) == {}
    assert headers(Client().options("/api/accounts/1/phase", headers=ASKS)) == {}


def test_a_listed_origin_may_call_with_a_token_and_never_with_a_cookie(settings: Settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = [OTHER]
    asked = headers(Client().options("/api/accounts/1/phase", headers=ASKS))
    assert asked["Access-Control-Allow-Origin"] == OTHER
    assert "idempotency-key" in asked["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in asked
    program = Program(make_user(*VIEW))
    told = headers(program.ask("GET", "accounts", Origin=OTHER))
    assert told["Access-Control-Allow-Origin"] == OTHER
    assert headers(program.ask("GET", "accounts", Origin="https://evil.example.com")) == {}


def test_pages_are_never_read_by_another_origin(settings: Settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = [OTHER]
    client = Client()
    client.force_login(make_user(*VIEW))
    assert headers(client.get("/", headers={"Origin": OTHER})) == {}
