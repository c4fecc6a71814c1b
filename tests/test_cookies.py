"""Cookies are written by anybody."""

import pytest
from django.test import Client

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
