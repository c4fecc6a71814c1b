"""Cookies are written by anybody."""

import pytest
from django.test import Client

from tests.factories import make_user

pytestmark = pytest.mark.django_db

FORGED = [
    '"\\000aaaaaaaaaaaa"',
    '"\\377aaaaaaaaaaaa"',
    "a" * 4000,
    "' OR 1=1 --",
    "%00aaaaaaaaaaaa",
]


@pytest.mark.parametrize("cookie", FORGED)
def test_a_forged_session_is_none(cookie: str) -> None:
    answer = Client(headers={"Cookie": f"session={cookie}; csrf={cookie}"}).get("/")
    assert answer.headers["Location"] == "/login/?next=/"


def test_what_comes_with_the_key_of_before_leaves_the_cookie_of_now() -> None:
    """Of another tab, while the session has got a new key."""
    client = Client()
    client.force_login(make_user())
    before = client.cookies["session"].value
    session = client.session
    session.cycle_key()
    late = Client(headers={"Cookie": f"session={before}"}).get("/trading/state/")
    assert late.status_code == 302
    assert "session" not in late.cookies
    assert "Cookie" in late.headers["Vary"]


def test_signing_out_deletes_the_cookie() -> None:
    client = Client()
    client.force_login(make_user())
    assert client.post("/logout/").cookies["session"].value == ""
