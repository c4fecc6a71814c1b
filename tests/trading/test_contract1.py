"""Orders over contract 1 that the broker refuses, or whose position is gone: ended at once."""

import time
from decimal import Decimal

import pytest

from accounts.agents import AccountReading
from tests.trading.desk import Desk
from trading import wire
from trading.api.outcome import outcome
from trading.models import Order
from trading.states import State

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (10018, "The market is closed."),
        (10019, "There is not enough free margin."),
        (10027, "The terminal has automatic trading switched off."),
    ],
)
def test_a_definite_refusal_is_a_rejection_with_its_reason_and_locks_nothing(
    desk: Desk, code: int, sentence: str
) -> None:
    desk.venue.steer("1", next_order=code)
    order = desk.send("1")
    assert (order.state, order.retcode) == (State.REJECTED, code)
    assert order.reason.startswith(f"{sentence} The broker said:")
    assert desk.send("1").state == State.FILLED


@pytest.mark.parametrize("fault", ["timeout", "placed", "reject", "never", "partial"])
def test_any_other_refusal_stays_unknown_and_locks_the_account(desk: Desk, fault: str) -> None:
    desk.venue.steer("1", next_order=fault)
    assert desk.send("1").state == State.UNKNOWN
    assert desk.send("1").state == State.DENIED


def close_at_the_terminal(desk: Desk, ticket: int | None) -> None:
    account = desk.venue.member("1").terminal.account
    account.close(account.positions[ticket or 0], int(time.time()))


@pytest.mark.parametrize("kind", ["close", "modify"])
def test_a_position_that_is_gone_was_closed_by_something_else(desk: Desk, kind: str) -> None:
    ticket = desk.send("1").order_ticket
    close_at_the_terminal(desk, ticket)
    order = desk.send("1", kind=kind, position=ticket)
    assert order.state == State.CLOSED_EXTERNALLY
    assert order.reason.startswith("Something else had closed the position already.")
    assert outcome(order).status_code == (200 if kind == "close" else 400)


@pytest.mark.parametrize(("again", "said"), [(True, "show it"), (False, "could not be read")])
@pytest.mark.parametrize("kind", ["close", "modify"])
def test_a_position_that_the_agent_failed_to_read_is_not_gone(
    desk: Desk, kind: str, again: bool, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says "not found" then as well, though nothing has happened to the position."""
    ticket = desk.send("1").order_ticket
    terminal, read = desk.venue.member("1").terminal, wire.read_account

    def fail_after(order: Order) -> AccountReading:
        try:
            return read(order)
        finally:
            terminal.positions_fail = True
            if again:
                monkeypatch.setattr(wire, "read_account", recover_before)

    def recover_before(order: Order) -> AccountReading:
        terminal.positions_fail = False
        return read(order)

    monkeypatch.setattr(wire, "read_account", fail_after)
    order = desk.send("1", kind=kind, position=ticket)
    assert order.state == State.REJECTED
    assert f"not found, but the account's positions {said}. Nothing was sent." in order.reason
    terminal.positions_fail = False
    assert ticket in terminal.account.positions


@pytest.mark.both_databases
def test_a_modify_that_changes_nothing_is_done(desk: Desk) -> None:
    ticket = desk.send("1").order_ticket
    for _ in range(2):
        order = desk.send("1", kind="modify", position=ticket, sl=Decimal("0.5"))
        assert order.state == State.FILLED, order.reason
    assert order.retcode == 10025
