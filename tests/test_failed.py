"""What fails because the database does is worth another try, and says so."""

from typing import Any

import pytest
from django.db import InternalError, OperationalError
from django.template.loader import get_template
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts import tasks
from tests.factories import make_user

pytestmark = pytest.mark.django_db
FAULTS = [OperationalError("lock timeout"), InternalError("idle-in-transaction timeout")]


@pytest.fixture
def client() -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(make_user("accounts.view_account"))
    return client


def breaks(monkeypatch: pytest.MonkeyPatch, name: str, error: Exception) -> None:
    def failing(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(name, failing)


@pytest.mark.parametrize("fault", FAULTS, ids=["busy", "ended"])
def test_a_page_asks_for_another_try(
    client: Client, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    breaks(monkeypatch, "accounts.views.fleet.Fleet", fault)
    response = client.get("/")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert "The database is busy" in response.content.decode()
    assert "lock timeout" not in response.content.decode()


@pytest.mark.parametrize("fault", FAULTS, ids=["busy", "ended"])
def test_the_api_asks_for_another_try(
    client: Client, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    breaks(monkeypatch, "accounts.api.accounts.shapes.fleet", fault)
    response = client.get("/api/accounts")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert response.json()["detail"].startswith("The database did not answer in time")


def test_no_program_is_asked_to_send_an_order_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have been sent before the database failed, and many obey Retry-After by themselves."""
    client = Client(raise_request_exception=False)
    client.force_login(make_user("accounts.view_account", "trading.trade"))
    breaks(monkeypatch, "trading.api.trades.account_or_404", FAULTS[0])
    asked = {"symbol": "EURUSD", "lot": 0.1, "order_type": "BUY"}
    response = client.post("/api/accounts/1/trade/open", asked, "application/json")
    assert (response.status_code, "Retry-After" in response.headers) == (503, False)
    assert "See what became of it" in response.json()["detail"]


@pytest.mark.parametrize("fault", FAULTS, ids=["busy", "ended"])
def test_a_tick_says_so_in_one_line(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, fault: Exception
) -> None:
    breaks(monkeypatch, "accounts.polling.poller.claim", fault)
    assert tasks.poll() == 0
    assert f"This tick failed: {fault}" in caplog.text
    assert "Traceback" not in caplog.text


def test_another_failure_is_no_matter_of_another_try(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaks(monkeypatch, "accounts.views.fleet.Fleet", ZeroDivisionError())
    response = client.get("/")
    assert (response.status_code, "Retry-After" in response.headers) == (500, False)
    assert "Something broke" in response.content.decode()


def test_health_says_that_the_database_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    breaks(monkeypatch, "accounts.views.health.connection.cursor", OperationalError("away"))
    response = Client().get("/healthz")
    assert (response.status_code, response.content) == (503, b"the database does not answer")


@pytest.mark.parametrize("name", ["400.html", "500.html", "503.html"])
def test_a_failure_page_needs_neither_context_nor_database(
    name: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        page = get_template(name).render()
    assert page.startswith("<!doctype html>")
    title = page.partition("<title>")[2].partition(" · MT5 Monitor</title>")[0]
    assert f"<h1>{title}</h1>" in page
    assert "data-say" in page
