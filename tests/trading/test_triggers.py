"""The database itself keeps the journal, on both of them."""

from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import Model

from tests.trading.desk import Desk
from trading.models import Order, OrderEvent
from trading.states import State

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture
def order(desk: Desk) -> Order:
    return desk.send()


def delete(model: type[Model], column: str, order: Order) -> None:
    """As a person does at the console of the database: Django would delete what refers to it."""
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {model._meta.db_table} WHERE {column} = %s", [order.pk])  # noqa: S608


def test_an_event_is_never_changed_or_deleted(order: Order) -> None:
    events = OrderEvent.objects.filter(order=order)
    for act in (lambda: events.update(text="x"), lambda: delete(OrderEvent, "order_id", order)):
        with pytest.raises(DatabaseError, match="events of orders"), transaction.atomic():
            act()
    assert events.count() == 3


def test_an_order_is_never_deleted(order: Order) -> None:
    with pytest.raises(DatabaseError, match="orders are never deleted"), transaction.atomic():
        delete(Order, "id", order)


CHANGES = {name: "0" if name != "overrides_lock" else True for name in Order.ASKED} | {
    "placed_at": "2026-01-01T00:00Z",
    "valid_until": "2026-01-01T00:00Z",
    "proven_at": "2026-01-01T00:00Z",
}


@pytest.mark.parametrize("column", Order.ASKED)
def test_what_an_order_asks_never_changes(order: Order, column: str) -> None:
    value: Any = CHANGES[column]
    with pytest.raises(DatabaseError, match="never changes"), transaction.atomic():
        Order.objects.filter(pk=order.pk).update(**{column: value})


@pytest.mark.parametrize("state", [state for state in State if state != State.FILLED])
def test_an_order_that_ended_stays_so(order: Order, state: State) -> None:
    with pytest.raises(DatabaseError, match="has ended"), transaction.atomic():
        Order.objects.filter(pk=order.pk).update(state=state)
