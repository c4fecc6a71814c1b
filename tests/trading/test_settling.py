"""Settling an order by hand: what a person is warned of first, on the page and in the API."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from accounts.models import Account, Agent
from tests.api.program import Program
from tests.factories import make_account, make_online_agent, make_order, make_position, make_user
from tests.pages.reading import text, words
from trading.models import Order
from trading.reachability import UNREACHABLE
from trading.settling import warnings
from trading.states import State

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
REASON = {"reason": "seen in the terminal"}


@pytest.fixture
def boss(db: None) -> User:
    return make_user("trading.settle_order", "accounts.view_account")


@pytest.fixture
def account(db: None) -> Account:
    return make_account(agent=make_online_agent(contract="1"))


@pytest.fixture
def order(account: Account) -> Order:
    told = {"state": "needs-attention", "contract": "1", "tickets_before": [10**12]}
    return make_order(account, claimed_at=timezone.now(), **told)


@pytest.fixture
def client(boss: User) -> Client:
    client = Client()
    client.force_login(boss)
    return client


def settled(client: Client, order: Order, **typed: Any) -> tuple[int, str]:
    answer = client.post(f"/orders/{order.pk}/settle/", REASON | typed)
    order.refresh_from_db()
    return answer.status_code, order.state


def away() -> None:
    Agent.objects.update(status="offline")


def test_while_the_agent_is_read_nothing_has_to_be_acknowledged(
    client: Client, order: Order
) -> None:
    assert 'name="acknowledged"' not in text(client.get(f"/orders/{order.pk}/"))
    assert settled(client, order, outcome="not-executed") == (302, "not-executed")


@pytest.mark.parametrize("outcome", ["filled", "not-executed"])
def test_while_it_cannot_be_reached_that_is_said_and_acknowledged_first(
    client: Client, order: Order, outcome: str
) -> None:
    away()
    page = text(client.get(f"/orders/{order.pk}/"))
    assert UNREACHABLE in words(page)
    assert 'name="acknowledged"' in page
    assert settled(client, order, outcome=outcome) == (422, "needs-attention")
    assert settled(client, order, outcome=outcome, acknowledged="yes") == (422, "needs-attention")
    assert settled(client, order, outcome=outcome, acknowledged=UNREACHABLE) == (302, outcome)


def test_what_was_filled_in_is_there_still_when_it_warns(client: Client, order: Order) -> None:
    away()
    form = REASON | {"outcome": "partial", "position": "#12"}
    page = text(client.post(f"/orders/{order.pk}/settle/", form))
    assert 'value="partial" required checked' in " ".join(page.split())
    assert 'value="seen in the terminal"' in page
    assert 'value="#12"' in page


def test_an_acknowledged_position_that_could_be_the_orders_is_no_late_fill(
    client: Client, order: Order, account: Account
) -> None:
    position = make_position(account)
    typed = {"outcome": "not-executed"}
    assert settled(client, order, **typed) == (422, "needs-attention")
    page = words(text(client.post(f"/orders/{order.pk}/settle/", REASON | typed)))
    assert f"This order may have opened #{position.ticket}" in page
    told = warnings(order, State.NOT_EXECUTED)
    assert settled(client, order, **typed, acknowledged=told) == (302, "not-executed")
    assert order.events.latest("pk").data == {"disowned": [position.ticket]}


def test_programs_are_warned_too(order: Order, boss: User) -> None:
    program, path = Program(boss), f"orders/{order.pk}"
    assert program.get(path)["warning"] is None
    away()
    assert program.get(path)["warning"] == UNREACHABLE
    assert [one["warning"] for one in program.get("orders")["orders"]] == [UNREACHABLE]
    Order.objects.update(state="filled")
    assert program.get(path)["warning"] is None
