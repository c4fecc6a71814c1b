"""What a page said stays between the server and the person who asked."""

from inspect import isawaitable

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from mt5monitor.private import never_cached
from tests.factories import make_account, make_user

pytestmark = pytest.mark.django_db

PAGES = ["/", "/agents/", "/suggestions/", "/admin/", "/admin/accounts/account/", "/nothing-here/"]


@pytest.mark.parametrize("page", [*PAGES, "/accounts/4711/", "/accounts/4711/phase/"])
def test_no_cache_keeps_a_page(page: str) -> None:
    make_account(number=4711)
    client = Client()
    client.force_login(make_user(is_staff=True, is_superuser=True))
    said = client.get(page).headers["Cache-Control"]
    assert {"no-store", "private"} <= set(said.split(", "))


def test_no_cache_keeps_where_a_stranger_was_sent() -> None:
    assert "no-store" in Client().get("/").headers["Cache-Control"]


async def test_no_cache_keeps_a_page_as_the_server_serves_it() -> None:
    async def page(request: HttpRequest) -> HttpResponse:
        return HttpResponse("figures")

    answer = never_cached(page)(RequestFactory().get("/"))
    assert isawaitable(answer)
    assert "no-store" in (await answer).headers["Cache-Control"]


def test_a_page_that_was_open_is_gone_after_signing_out() -> None:
    client = Client()
    client.force_login(make_user("accounts.view_account"))
    cookie = client.cookies["session"].value
    assert client.get("/").status_code == 200
    client.post("/logout/")
    client.cookies["session"] = cookie
    assert client.get("/").headers["Location"] == "/login/?next=/"
